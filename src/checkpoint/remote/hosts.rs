//! Which hosts may be read from: `www/hosts`, and what the build adds.

/// The list; `#` begins a remark.
const LIST: &str = include_str!("../../../www/hosts");

/// What the build adds, with spaces between them.
const ADDED: Option<&str> = option_env!("OMEGA_HOSTS");

/// Whether `address` is of the page's own origin or of one in the list.
pub fn allowed(address: &str, own: &str) -> bool {
    let Some(origin) = origin(address) else { return false };
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    let listed = lines.chain(ADDED.unwrap_or_default().split(' ')).map(str::trim);
    origin == own || listed.filter(|entry| !entry.is_empty()).any(|entry| covers(entry, origin))
}

/// `https://host:port` of an address.
pub fn origin(address: &str) -> Option<&str> {
    let host = address.find("://")? + 3;
    let end = address[host..].find(['/', '?', '#', '\\']).map_or(address.len(), |at| host + at);
    // A name before an @ is no host: what follows it is.
    (end > host && !address[..end].contains('@')).then(|| &address[..end])
}

/// The host of an address, as a reader would say it.
pub fn host(address: &str) -> Option<&str> {
    origin(address)?.split_once("://").map(|(_, host)| host)
}

fn covers(entry: &str, origin: &str) -> bool {
    match entry.split_once("://*.") {
        Some((scheme, domain)) => origin
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"))
            .and_then(|host| host.strip_suffix(domain))
            .is_some_and(|under| under.ends_with('.')),
        None => entry == origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_its_hosts_and_the_page_itself_are_allowed_and_nobody_else() {
        let own = "http://127.0.0.1:8080";
        for address in [
            "https://huggingface.co/gpt2/resolve/main/config.json",
            "https://cdn-lfs-us-1.hf.co/a?b=c",
            "https://cas-bridge.xethub.hf.co/x",
            "http://127.0.0.1:8080/models/x.safetensors",
        ] {
            assert!(allowed(address, own), "{address}");
        }
        for address in [
            "http://huggingface.co/gpt2",
            "https://huggingface.co.evil.example/gpt2",
            "https://evilhf.co/x",
            "https://huggingface.co@evil.example/x",
            "https://user@huggingface.co/x",
            "http://127.0.0.1:8081/x",
            "//huggingface.co/x",
            "https://",
            "",
        ] {
            assert!(!allowed(address, own), "{address}");
        }
    }
}

//! What is said of a model that lies elsewhere: before anything is asked of anybody, and where it does not come.

use super::format::bytes;
use crate::checkpoint::remote::reference::Reference;
use crate::protocol::Failure;

/// What opening by name takes.
pub const TYPE_A_NAME: &str = "a name on huggingface.co (gpt2, org/name, org/name@revision, org/name/folder), the address of a file, an index or a \
    folder, or a path beside this page (./models/class/). Nothing is read before you agree.";

/// What will be read from whom, before it is.
pub fn consent(named: &str, reference: &Reference) -> String {
    match reference.host() {
        Some(host) => format!(
            "“{named}” lies on {host}. If you agree, this page reads from there: the names of its files, its settings and words, and of the \
             weights only the parts that a figure needs."
        ),
        None => format!("“{named}” lies beside this page, and is not open."),
    }
}

/// Who learns what.
pub fn who_learns(reference: &Reference) -> String {
    reference.host().map_or_else(String::new, |host| {
        format!(
            "{host} and its file servers learn your network address and which parts are read, and nothing else: no prompt, no number and \
             no file of yours leaves this machine."
        )
    })
}

/// The button that agrees.
pub fn agree(reference: &Reference) -> String {
    reference.host().map_or_else(|| "open it".to_owned(), |host| format!("read it from {host}"))
}

/// What is under way while a model is being kept.
pub const KEEPING: &str = "keeping the model on this machine";

/// What keeping means.
pub const KEPT: &str = "These lie in the private folder that the browser gives this page. They open without a question and without a network, \
    until you forget them here or clear the page's data.";

/// The button that keeps the open model.
pub fn keep(total: u64) -> String {
    format!("keep it on this machine ({})", bytes(total))
}

/// How far that is.
pub fn keeping(done: u64, total: u64) -> String {
    format!("{KEEPING}: {} of {}", bytes(done), bytes(total))
}

/// Why it came to nothing.
pub fn not_kept(named: &str, why: &str) -> Failure {
    Failure::new(format!("“{named}” is not kept on this machine: {why}."))
        .try_this("It stays open, and can be opened by its name again.")
}

/// The list's title.
pub fn kept(models: usize) -> String {
    let models = if models == 1 { "1 model".to_owned() } else { format!("{models} models") };
    format!("{models} kept on this machine")
}

/// What a kept model takes.
pub fn kept_size(taken: u64, whole: bool) -> String {
    let rest =
        if whole { "" } else { "; not whole: open it by name and keep it again, or forget it" };
    format!(" ({}{rest}) ", bytes(taken))
}

/// What the button says to those who hear it alone.
pub fn forget(named: &str) -> String {
    format!("forget {named}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_told_whom_a_name_asks() {
        let hub = Reference::parse("org/name").unwrap();
        assert!(consent("org/name@v1", &hub).contains("“org/name@v1” lies on huggingface.co"));
        assert_eq!(agree(&hub), "read it from huggingface.co");
        assert!(who_learns(&hub).starts_with("huggingface.co and its file servers learn"));
        let beside = Reference::parse("./class/").unwrap();
        assert_eq!((agree(&beside).as_str(), who_learns(&beside).as_str()), ("open it", ""));
    }

    #[test]
    fn what_is_kept_says_what_it_takes_and_whether_it_is_whole() {
        assert_eq!(keep(548_105_171), "keep it on this machine (548 MB)");
        assert_eq!(
            (kept(1), kept(2)),
            ("1 model kept on this machine".into(), "2 models kept on this machine".into())
        );
        assert_eq!(kept_size(665, true), " (665 B) ");
        assert!(kept_size(665, false).contains("not whole"));
        assert!(not_kept("gpt2", "it was stopped").what.ends_with("this machine: it was stopped."));
    }
}

//! What is said of a model that lies elsewhere: before anything is asked of anybody, and where it does not come.

use crate::checkpoint::remote::reference::Reference;

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
}

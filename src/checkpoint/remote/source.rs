//! A file that lies elsewhere, as a byte source: ranges asked for in pieces, joined, resumed, tried again, or refused in words.

use std::ops::Range;

use super::hosts::{allowed, host};
use crate::checkpoint::{ByteSource, CheckpointError, Shareable};

/// Bytes of one request: what a broken connection costs at most, and what is waited for when work is cancelled.
const PIECE: u64 = 16 << 20;

/// Bytes between two ranges that are read rather than skipped: a request of its own takes longer.
const GAP: u64 = 1 << 20;

/// A host that sends whole files only may send one of so many bytes.
const WHOLE: u64 = 64 << 20;

/// Milliseconds before a request is made again: the second, third and fourth time.
const PAUSES: [u32; 3] = [200, 1000, 4000];

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The HTTP status; 0 where there was no answer at all.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
    /// Whether the host calls it a web page.
    pub is_page: bool,
    /// Where it came from in the end, after redirects; empty where that is not known.
    pub from: String,
}

/// Whoever makes requests, and waits.
pub trait Transfer: Shareable {
    /// Asks for the bytes of `range` at `url`, without credentials.
    fn get(&self, url: &str, range: &Range<u64>) -> Reply;

    /// Waits.
    fn pause(&self, ms: u32);

    /// The page's own origin.
    fn own_origin(&self) -> String;
}

/// A file of known size at an address.
pub struct RemoteSource<T> {
    name: String,
    url: String,
    size: u64,
    transfer: T,
}

/// What a reply is worth.
enum Judged {
    /// Some of the bytes that were asked for, from their beginning.
    Bytes(Vec<u8>),
    /// Another try may help.
    Again(String),
    /// It will not.
    Never(String),
}

impl<T: Transfer> RemoteSource<T> {
    /// The file called `name`, of `size` bytes at `url`.
    pub fn new(name: String, url: String, size: u64, transfer: T) -> Self {
        Self { name, url, size, transfer }
    }

    fn failed(&self, range: &Range<u64>, reason: String) -> CheckpointError {
        CheckpointError::Read {
            file: self.name.clone(),
            start: range.start,
            end: range.end,
            reason,
        }
    }

    /// Appends the bytes of `piece`, whatever it takes.
    fn fetch(&self, piece: Range<u64>, into: &mut Vec<u8>) -> Result<(), String> {
        let (mut at, mut tries) = (piece.start, PAUSES.iter());
        while at < piece.end {
            let wanted = at..piece.end;
            match self.judge(&wanted, self.transfer.get(&self.url, &wanted)) {
                Judged::Bytes(bytes) => {
                    at += bytes.len() as u64;
                    into.extend_from_slice(&bytes);
                }
                Judged::Again(why) => match tries.next() {
                    Some(ms) => self.transfer.pause(*ms),
                    None => {
                        return Err(format!(
                            "{why}, four times in a row. Try again, or download the file and drop it"
                        ));
                    }
                },
                Judged::Never(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn judge(&self, wanted: &Range<u64>, mut reply: Reply) -> Judged {
        let n = wanted.end - wanted.start;
        let who = host(&self.url).unwrap_or("the host");
        let own = self.transfer.own_origin();
        if !reply.from.is_empty() && !allowed(&reply.from, &own) {
            let to = host(&reply.from).unwrap_or("another host").to_owned();
            return Judged::Never(format!(
                "{who} sent the request on to {to}, from which this page does not read. Download the file and drop it"
            ));
        }
        let got = reply.bytes.len() as u64;
        match reply.status {
            200 | 206 if reply.is_page => Judged::Never(format!(
                "{who} answered with a web page in place of the file. A sign-in may be asked for: download the file and drop it"
            )),
            206 if got == 0 => Judged::Again(format!("{who} closed the connection")),
            // Fewer are a connection that broke: the rest is asked for.
            206 if got <= n => Judged::Bytes(reply.bytes),
            206 => Judged::Never(format!("{who} sent {got} bytes where {n} were asked for")),
            200 if got == self.size && self.size <= WHOLE => {
                let bytes = reply.bytes.drain(wanted.start as usize..wanted.end as usize);
                Judged::Bytes(bytes.collect())
            }
            200 if got < self.size => Judged::Again(format!("{who} closed the connection")),
            200 if got > self.size => Judged::Never(format!(
                "the file at {who} is not the one that was listed. Open it again"
            )),
            200 => Judged::Never(format!(
                "{who} sends whole files only, and this one is too large for that. Download it and drop it"
            )),
            0 => Judged::Again(format!("no answer from {who}, or it does not let pages read it")),
            status @ (408 | 425 | 429 | 500..=599) => Judged::Again(refusal(status, who)),
            status => Judged::Never(refusal(status, who)),
        }
    }
}

/// What a host's refusal means, and what to do.
pub fn refusal(status: u16, who: &str) -> String {
    match status {
        401 => format!(
            "{who} wants to know who asks (401): there is no such model, or it is private, or has terms to agree to. Download it there and drop it"
        ),
        403 => {
            format!("{who} refuses to send it (403). Download it there, if you may, and drop it")
        }
        404 | 410 => format!("{who} has no such file ({status})"),
        416 => format!(
            "the file at {who} is shorter than it was when it was opened (416). Open it again"
        ),
        429 => format!("{who} has been asked too often (429). Wait a minute and try again"),
        _ => format!("{who} answers {status}"),
    }
}

impl<T: Transfer> ByteSource for RemoteSource<T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        if range.start > range.end || range.end > self.size {
            return Err(self.failed(&range, format!("the file has {} bytes", self.size)));
        }
        if !allowed(&self.url, &self.transfer.own_origin()) {
            let who = host(&self.url).unwrap_or("that address");
            return Err(self.failed(&range, format!("this page does not read from {who}")));
        }
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + PIECE);
            self.fetch(at..end, &mut bytes).map_err(|why| self.failed(&range, why))?;
            at = end;
        }
        Ok(bytes)
    }

    fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, CheckpointError> {
        crate::checkpoint::joined(
            ranges,
            GAP,
            |run| self.read(run),
            |bytes, within| bytes.get(within).map(<[u8]>::to_vec).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const SIZE: u64 = 40 << 20;

    fn byte(at: u64) -> u8 {
        (at % 251) as u8
    }

    type Act = fn(&Range<u64>) -> Reply;

    /// A host that plays what it is told, then behaves; every request is written down.
    #[derive(Default)]
    struct Played {
        script: Mutex<Vec<Act>>,
        asked: Mutex<Vec<Range<u64>>>,
        waited: Mutex<Vec<u32>>,
    }

    fn good(range: &Range<u64>) -> Reply {
        Reply { status: 206, bytes: range.clone().map(byte).collect(), ..Reply::default() }
    }

    fn status(status: u16) -> Reply {
        Reply { status, ..Reply::default() }
    }

    impl Transfer for &Played {
        fn get(&self, _: &str, range: &Range<u64>) -> Reply {
            self.asked.lock().unwrap().push(range.clone());
            let mut script = self.script.lock().unwrap();
            if script.is_empty() { good(range) } else { script.remove(0)(range) }
        }

        fn pause(&self, ms: u32) {
            self.waited.lock().unwrap().push(ms);
        }

        fn own_origin(&self) -> String {
            "https://page.example".into()
        }
    }

    fn played(script: &[Act]) -> Played {
        Played { script: Mutex::new(script.to_vec()), ..Played::default() }
    }

    fn source(host: &Played) -> RemoteSource<&Played> {
        let url = "https://huggingface.co/a/resolve/main/m.safetensors".to_owned();
        RemoteSource::new("a/m.safetensors".into(), url, SIZE, host)
    }

    fn refusal(script: &[Act]) -> String {
        source(&played(script)).read(100..200).unwrap_err().to_string()
    }

    #[test]
    fn a_long_range_comes_in_pieces_and_a_broken_one_goes_on_where_it_broke() {
        let half: Act = |range| {
            let mut reply = good(range);
            reply.bytes.truncate(1000);
            reply
        };
        let host = played(&[good, half, |_| status(0)]);
        let bytes = source(&host).read(5..5 + (20 << 20)).unwrap();
        assert!(
            bytes.iter().enumerate().all(|(i, b)| *b == byte(5 + i as u64))
                && bytes.len() == 20 << 20
        );
        let (first, last) = (5 + PIECE, 5 + (20 << 20));
        assert_eq!(
            *host.asked.lock().unwrap(),
            [5..first, first..last, first + 1000..last, first + 1000..last]
        );
        assert_eq!(*host.waited.lock().unwrap(), [200]);
    }

    #[test]
    fn neighbours_are_asked_for_together() {
        let host = Played::default();
        let ranges = [9_000_000..9_000_010, 10..20, 50..60];
        let found = source(&host).read_all(&ranges).unwrap();
        for (range, bytes) in ranges.iter().zip(&found) {
            assert_eq!(*bytes, range.clone().map(byte).collect::<Vec<_>>());
        }
        assert_eq!(*host.asked.lock().unwrap(), [10..60, 9_000_000..9_000_010]);
    }

    #[test]
    fn what_will_not_help_is_said_once_and_what_may_is_tried_four_times() {
        for (told, words) in [
            (401, "or has terms to agree to"),
            (403, "refuses"),
            (404, "no such file"),
            (416, "shorter than it was"),
            (418, "answers 418"),
        ] {
            let judged = source(&Played::default()).judge(&(0..10), status(told));
            assert!(matches!(judged, Judged::Never(why) if why.contains(words)), "{told}");
        }
        let busy: Act = |_| status(503);
        let host = played(&[busy; 4]);
        let said = source(&host).read(0..10).unwrap_err().to_string();
        assert!(said.contains("answers 503, four times in a row"), "{said}");
        assert_eq!(*host.waited.lock().unwrap(), PAUSES);
        let host = played(&[|_| status(429), |_| status(0), |_| status(500)]);
        assert_eq!(source(&host).read(0..10).unwrap(), (0..10).map(byte).collect::<Vec<_>>());
    }

    #[test]
    fn a_page_a_whole_file_and_another_host_are_not_taken_for_the_bytes() {
        let page = refusal(&[|_| Reply { is_page: true, bytes: vec![b'<'; 100], ..status(200) }]);
        assert!(page.contains("a web page in place of the file"), "{page}");
        let more = refusal(&[|_| Reply { bytes: vec![0; 101], ..status(206) }]);
        assert!(more.contains("sent 101 bytes where 100"), "{more}");
        let on = refusal(&[|range| Reply { from: "https://evil.example/x".into(), ..good(range) }]);
        assert!(on.contains("sent the request on to evil.example"), "{on}");
        let other = refusal(&[|_| Reply { bytes: vec![0; SIZE as usize + 1], ..status(200) }]);
        assert!(other.contains("not the one that was listed"), "{other}");
        // A small file may come whole.
        let host = played(&[|_| Reply { bytes: (0..SIZE).map(byte).collect(), ..status(200) }]);
        assert_eq!(source(&host).read(7..9).unwrap(), [byte(7), byte(8)]);
        let large = RemoteSource::new("m".into(), "https://hf.co/m".into(), WHOLE + 1, &host);
        let whole = Reply { bytes: vec![0; WHOLE as usize + 1], ..status(200) };
        assert!(
            matches!(large.judge(&(0..9), whole), Judged::Never(why) if why.contains("whole files only"))
        );
    }

    #[test]
    fn nothing_is_asked_of_a_host_that_is_not_in_the_list() {
        let host = Played::default();
        let elsewhere = RemoteSource::new("m".into(), "https://evil.example/m".into(), 100, &host);
        assert!(
            elsewhere
                .read(0..10)
                .unwrap_err()
                .to_string()
                .contains("does not read from evil.example")
        );
        assert!(source(&host).read(SIZE - 1..SIZE + 1).is_err());
        assert!(host.asked.lock().unwrap().is_empty());
    }
}

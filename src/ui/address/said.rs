//! What the reader said of files that do not say it themselves, in the address: a link that was made with an answer does not ask again.
//!
//! An answer in the address is used only where files leave it open; where they do not, they are right.

use super::keys;
use super::route::Route;
use crate::protocol::Unclear;
use crate::protocol::model::Hints;

/// `given`, and what the address answers to `unclear`; `None` if it says nothing that may be an answer, or nothing new.
pub fn answer(route: &Route, unclear: &Unclear, given: &Hints) -> Option<Hints> {
    let mut hints = given.clone();
    match unclear {
        Unclear::HeadCount(_) if given.n_heads.is_none() => {
            hints.n_heads = Some(route.find(&keys::N_HEADS)?);
        }
        Unclear::Family(known) if given.family.is_none() => {
            let said = route.find(&keys::FAMILY)?;
            hints.family = known.iter().any(|(id, _)| *id == said).then_some(said);
        }
        Unclear::Model(offered) if given.model.is_none() => {
            hints.model = route.find(&keys::MODEL).filter(|said| offered.contains(said));
        }
        _ => {}
    }
    (hints != *given).then_some(hints)
}

/// The address with what was said of the open files, and nothing that was said of others.
#[must_use]
pub fn written(route: Route, said: &Hints) -> Route {
    let route = match said.n_heads {
        Some(n_heads) => route.put(&keys::N_HEADS, n_heads),
        None => route.clear(&keys::N_HEADS),
    };
    let route = match &said.family {
        Some(family) => route.put(&keys::FAMILY, family.clone()),
        None => route.clear(&keys::FAMILY),
    };
    match &said.model {
        Some(model) => route.put(&keys::MODEL, model.clone()),
        None => route.clear(&keys::MODEL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_back_where_it_is_asked_and_nowhere_else() {
        let said =
            Hints { n_heads: Some(4), model: Some("run/step 500".into()), ..Hints::default() };
        let route = Route::parse(&written(Route::parse("#/heads?layer=1"), &said).to_hash());
        let nothing = Hints::default();
        let heads = answer(&route, &Unclear::HeadCount(vec![2]), &nothing);
        assert_eq!(heads, Some(Hints { n_heads: Some(4), ..Hints::default() }));
        let offered = Unclear::Model(vec!["run/step 500".into(), "other".into()]);
        let both = answer(&route, &offered, &heads.unwrap_or_default());
        assert_eq!(both, Some(said.clone()));
        // What did not do is not tried again, and what nobody offered is no answer.
        assert_eq!(answer(&route, &Unclear::HeadCount(vec![2]), &said), None);
        assert_eq!(answer(&route, &Unclear::Model(vec!["other".into()]), &nothing), None);
        let family = Route::default().put(&keys::FAMILY, "gpt9".into());
        let known = Unclear::Family(vec![("gpt2".into(), "GPT-2".into())]);
        assert_eq!(answer(&family, &known, &nothing), None);
        assert_eq!(answer(&family, &Unclear::RowsOrColumns, &nothing), None);
    }

    #[test]
    fn files_that_speak_for_themselves_leave_nothing_in_the_address() {
        let said = Hints { n_heads: Some(4), family: Some("gpt2".into()), ..Hints::default() };
        let plain = Route::parse("#/heads?layer=1");
        let asked = written(plain.clone(), &said);
        assert_ne!(asked, plain);
        assert_eq!(written(asked, &Hints::default()), plain);
    }
}

//! What the Attention page's “What if?” is asked, as the address says it: "L1H3:14-2 scale 0.5 0,3-5".

use super::key::real;
use super::keys::WHAT_IF;
use super::route::Route;
use crate::circuits::sad::intervention::Action;
use crate::circuits::trace::Firing;
use crate::protocol::attention::CellAt;

/// How far a part of a score can be multiplied.
pub const FACTORS: [f64; 2] = [-2.0, 3.0];

/// A change of a score. It names the score: of another one it asks nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// Which score.
    pub at: CellAt,
    /// What is done.
    pub action: Action,
    /// To which singular vectors, as the reader wrote them.
    pub list: String,
}

/// The name of what is done.
pub fn slug(action: Action) -> &'static str {
    match action {
        Action::Ablate => "remove",
        Action::Scale(_) => "scale",
        Action::Swap { .. } => "swap",
        Action::KeepOnly => "keep",
    }
}

/// The change that a route names.
pub fn read(route: &Route) -> Option<WhatIf> {
    let text = route.find(&WHAT_IF)?;
    let mut parts = text.splitn(3, ' ');
    let Firing { layer, head, dest, src } = parts.next()?.parse().ok()?;
    let (slug, rest) = (parts.next()?, parts.next()?);
    let (number, others) = rest.split_once(' ').unwrap_or((rest, ""));
    let (action, list) = match slug {
        "remove" => (Action::Ablate, rest),
        "keep" => (Action::KeepOnly, rest),
        "scale" => (Action::Scale(real(number, FACTORS[0], FACTORS[1])?), others),
        "swap" => (Action::Swap { first: src, second: number.parse().ok()? }, others),
        _ => return None,
    };
    Some(WhatIf { at: CellAt { layer, head, dest, src }, action, list: list.to_owned() })
}

/// `route` with this change.
pub fn write(route: Route, what: &WhatIf) -> Route {
    let CellAt { layer, head, dest, src } = what.at;
    let number = match what.action {
        Action::Scale(factor) => format!("{factor} "),
        Action::Swap { second, .. } => format!("{second} "),
        Action::Ablate | Action::KeepOnly => String::new(),
    };
    let at = Firing { layer, head, dest, src }.node();
    route.put(&WHAT_IF, format!("{at} {} {number}{}", slug(what.action), what.list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_survives_the_url_whatever_is_written_into_its_field() {
        let at = CellAt { layer: 1, head: 3, dest: 14, src: 2 };
        let actions = [
            Action::Ablate,
            Action::KeepOnly,
            Action::Scale(-0.25),
            Action::Swap { first: 2, second: 10 },
        ];
        for action in actions {
            for list in ["1", "0, 3-5", "", " three & four"] {
                let what = WhatIf { at, action, list: list.to_owned() };
                let link = write(Route::default(), &what).to_hash();
                assert_eq!(read(&Route::parse(&link)), Some(what), "{link}");
            }
        }
    }

    #[test]
    fn an_address_without_sense_changes_nothing_and_a_factor_is_brought_back() {
        let of = |text: &str| read(&Route::parse(&format!("#/attention?what-if={text}")));
        for text in [
            "",
            "1",
            "L1H3:14-2",
            "L1H3:14-2+remove",
            "L1H3+remove+1",
            "mlp1:3+remove+1",
            "L1H3:14-2+burn+1",
            "L1H3:14-2+scale+x+1",
            "L1H3:14-2+scale+NaN+1",
            "L1H3:14-2+swap+-1+1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        let far = of("L1H3:14-2+scale+1e300+1").map(|what| what.action);
        assert_eq!(far, Some(Action::Scale(3.0)));
    }
}

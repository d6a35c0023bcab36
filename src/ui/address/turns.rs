//! What was turned while the toy trained, in the address: `turns=300:lambda:30,450:p:0.2,500:2-3:10`.
//!
//! The first number is the step, the last the new value; in between stands the setting, or a place of the template. With this
//! list a link trains to the same bits as the hands that turned the dials.

use super::key::real;
use super::keys::TURNS;
use super::route::Route;
use super::toy::{self, AT};
use crate::toy::{Config, Dial, Entry, Turn, steps_in_all, with_turn};

/// Turns of one run, at most: a link must stay a link.
pub const MOST: usize = 200;

/// The latest step at which a dial is turned.
const LATEST: usize = 100_000;

/// How strong an entry of the template can be.
const STRONGEST: f64 = 1e6;

/// A setting with a slider of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// λ.
    Lambda,
    /// T.
    Strength,
    /// p.
    P,
}

impl Knob {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Lambda, Self::Strength, Self::P];

    /// Its name in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Strength => "t",
            Self::P => "p",
        }
    }

    /// Smallest and largest value that can be typed.
    pub fn limits(self) -> (f64, f64) {
        match self {
            Self::Lambda => (0.0, 10_000.0),
            // A template of zeros could not be scaled back.
            Self::Strength => (0.01, 1000.0),
            Self::P => (0.001, 1.0),
        }
    }

    /// What `text` says, within the limits; none if it says no number.
    pub fn read(self, text: &str) -> Option<f64> {
        let (least, most) = self.limits();
        real(text, least, most)
    }

    /// Its value; none where the template is empty.
    pub fn of(self, config: &Config) -> Option<f64> {
        match self {
            Self::Lambda => Some(config.lambda),
            Self::Strength => {
                config.template.entries().iter().map(|e| e.strength.abs()).reduce(f64::max)
            }
            Self::P => Some(config.p),
        }
    }

    /// The dial at `value`.
    pub fn at(self, value: f64) -> Dial {
        match self {
            Self::Lambda => Dial::Lambda(value),
            Self::Strength => Dial::Strength(value),
            Self::P => Dial::P(value),
        }
    }

    /// How far its slider goes, from 0.
    pub fn length(self) -> f64 {
        match self {
            Self::Lambda | Self::Strength => 40.0,
            Self::P => 20.0,
        }
    }

    /// The value at a place of its slider: λ and p go up by the same factor each time, from 0 and from 0.01; T by a half.
    pub fn value(self, place: f64) -> f64 {
        let two_digits = |exponent: f64| {
            // Ten to a power, as two digits write it: it is what the address says.
            format!("{:.1e}", libm::pow(10.0, exponent)).parse().unwrap_or(1.0)
        };
        match self {
            Self::Lambda if place < 1.0 => 0.0,
            Self::Lambda => two_digits(place / 10.0 - 1.0),
            Self::Strength => (place / 2.0).max(0.25),
            Self::P => two_digits(place / 10.0 - 2.0),
        }
    }

    /// The place of a value on its slider, the nearest.
    pub fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Lambda if value < 0.1 => 0.0,
            Self::Lambda => 10.0 * (value.log10() + 1.0),
            Self::Strength if value < 0.5 => 0.0,
            Self::Strength => 2.0 * value,
            Self::P => 10.0 * (value.log10() + 2.0),
        };
        place.round().clamp(0.0, self.length())
    }
}

/// The turns that the address names for a run of `config`, in the order of their steps; those that no run could have reached,
/// and all where one cannot be read, are left out.
pub fn read(route: &Route, config: &Config) -> Vec<Turn> {
    let text = route.read(&TURNS);
    let listed = text.split(',').filter(|one| !one.is_empty()).take(MOST).map(one);
    let Some(listed) = listed.collect::<Option<Vec<Turn>>>() else { return Vec::new() };
    listed.into_iter().fold(Vec::new(), |turns, turn| {
        if turn.step > steps_in_all(config, &turns) { turns } else { with_turn(&turns, turn) }
    })
}

/// `route` with these turns.
pub fn write(route: Route, turns: &[Turn]) -> Route {
    if turns.is_empty() {
        return route.clear(&TURNS);
    }
    let text: Vec<String> = turns
        .iter()
        .map(|Turn { step, dial }| match dial {
            Dial::Lambda(value) => format!("{step}:lambda:{value}"),
            Dial::Strength(value) => format!("{step}:t:{value}"),
            Dial::P(value) => format!("{step}:p:{value}"),
            Dial::Entry(Entry { query, key, strength }) => {
                format!("{step}:{query}-{key}:{strength}")
            }
        })
        .collect();
    route.put(&TURNS, text.join(","))
}

/// `route` whose run begins with this dial as it is turned.
pub fn begun_with(route: &Route, dial: Dial) -> Route {
    let (preset, config) = toy::read(route);
    toy::write(route.clone(), &preset, &dial.apply(&config))
}

/// `route` at the beginning of its run, nothing turned.
pub fn afresh(route: Route) -> Route {
    route.clear(&AT).clear(&TURNS)
}

fn one(text: &str) -> Option<Turn> {
    let mut parts = text.split(':');
    let (step, what, value) = (parts.next()?, parts.next()?, parts.next()?);
    let step = step.parse().ok().filter(|step| *step <= LATEST)?;
    let dial = match Knob::ALL.into_iter().find(|knob| knob.name() == what) {
        Some(knob) => knob.at(knob.read(value)?),
        None => {
            let (query, key) = what.split_once('-')?;
            let strength = real(value, -STRONGEST, STRONGEST)?;
            Dial::Entry(Entry { query: query.parse().ok()?, key: key.parse().ok()?, strength })
        }
    };
    parts.next().is_none().then_some(Turn { step, dial })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::in_force;

    fn told(text: &str) -> Vec<Turn> {
        read(&Route::default().put(&TURNS, text.to_owned()), &Config::default())
    }

    #[test]
    fn turns_survive_the_address_to_the_last_digit() {
        let turns = [
            (12, Dial::Lambda(0.1 + 0.2)),
            (12, Dial::P(0.013)),
            (300, Dial::Strength(2.5)),
            (800, Dial::Entry(Entry { query: 2, key: 3, strength: -4.5 })),
            (1600, Dial::Entry(Entry { query: 2, key: 3, strength: 0.0 })),
        ]
        .map(|(step, dial)| Turn { step, dial });
        let route = write(Route::default(), &turns);
        assert_eq!(read(&Route::parse(&route.to_hash()), &Config::default()), turns);
        assert_eq!(write(route.clone(), &[]), Route::default());
        assert_eq!(afresh(route.clone().put(&AT, 300)), Route::default());
        // Another beginning has nothing turned.
        let other = begun_with(&route, Dial::Entry(Entry { query: 2, key: 3, strength: 4.0 }));
        assert_eq!(other.to_hash(), "#/heads?entries=0-1:10,2-3:4&preset=one-pair&template=free");
    }

    #[test]
    fn what_no_hand_could_have_turned_is_left_out() {
        for nonsense in
            ["x", "1:lambda", "1:lambda:fast", "-1:p:0.1", "1:q:3", "1:2-3:1:4", "1:2-x:3"]
        {
            assert!(told(nonsense).is_empty(), "{nonsense}");
            assert!(told(&format!("5:p:0.2,{nonsense}")).is_empty(), "{nonsense}");
        }
        assert_eq!(told("5:p:7"), [Turn { step: 5, dial: Dial::P(1.0) }]);
        // 800 steps, and 800 more from each turn on.
        assert_eq!(told("801:p:0.2").len(), 0);
        assert_eq!(told("800:p:0.2,1600:p:0.3,2401:p:0.4").len(), 2);
        let many: Vec<String> = (0..500).map(|step| format!("{step}:p:0.2")).collect();
        assert_eq!(told(&many.join(",")).len(), MOST);
    }

    #[test]
    fn a_slider_stands_where_its_value_is_and_says_what_it_stands_for() {
        for knob in Knob::ALL {
            let mut last = -1.0;
            for place in 0..=knob.length() as usize {
                let value = knob.value(place as f64);
                assert!(value > last && value <= knob.limits().1, "{knob:?} at {place}: {value}");
                assert_eq!(knob.place(value), place as f64, "{knob:?}: {value}");
                let turned =
                    in_force(&Config::default(), &[Turn { step: 0, dial: knob.at(value) }], 0);
                let back = knob.of(&turned).unwrap();
                assert!(
                    (back - value).abs() < 1e-12 * value.max(1.0),
                    "{knob:?}: {back} for {value}"
                );
                last = value;
            }
        }
        assert_eq!((Knob::Lambda.value(20.0), Knob::P.value(10.0)), (10.0, 0.1));
    }
}

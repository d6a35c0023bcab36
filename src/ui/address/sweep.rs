//! The sweep that an address names: which setting of the toy, over which values and seeds.

use super::key::real;
use super::keys::{SEEDS, SWEEP, VALUES};
use super::route::Route;
use crate::toy::{Config, Preset, Setting, Sweep};

/// Settings that can be swept: name in the URL, values to begin with.
pub const SWEPT: [(Setting, &str, &str); 13] = [
    (Setting::Lambda, "lambda", "1,3,10,30,100,300,1000"),
    (Setting::Strength, "t", "0.5,1,2,3,10"),
    (Setting::NFeatures, "n", "10,15,20,30,40"),
    (Setting::DModel, "d", "5,10,15,20"),
    (Setting::DHead, "h", "1,2,5,10"),
    (Setting::NKeys, "m", "2,4,8,16,32"),
    (Setting::Batch, "batch", "16,32,64,128"),
    (Setting::P, "p", "0.02,0.05,0.1,0.2,0.5,1"),
    (Setting::Lr, "lr", "0.0003,0.001,0.003,0.01,0.03"),
    (Setting::HeadStd, "head", "0.01,0.1,0.3,1"),
    (Setting::Cone, "cone", "0,0.3,0.6,1,1.5"),
    (Setting::PowerLaw, "power", "0,0.5,1,1.5,2"),
    (Setting::Common, "common", "0,0.5,1,2"),
];

/// Values of a sweep, at most, and how far they may lie from zero; each run checks its own settings again.
const MOST: usize = 20;
const FAR: f64 = 1e6;

/// The name of a setting in the URL.
pub fn slug(setting: Setting) -> &'static str {
    SWEPT.iter().find(|s| s.0 == setting).map_or("lambda", |s| s.1)
}

/// The sweep that the address, the preset or the page's own beginning names.
pub fn chosen(route: &Route, config: &Config, preset: &Preset) -> Sweep {
    let named = route.find(&SWEEP);
    let own = preset.sweep.as_ref().filter(|s| named.is_none_or(|setting| setting == s.setting));
    let setting = own.map(|s| s.setting).or(named).unwrap_or_else(|| route.read(&SWEEP));
    let first = SWEPT.iter().find(|s| s.0 == setting).map_or("1", |s| s.2);
    let read = |text: &str| -> Vec<f64> {
        text.split(',').filter_map(|value| real(value, -FAR, FAR)).take(MOST).collect()
    };
    let values = route.find(&VALUES).map(|text| read(&text)).filter(|v| !v.is_empty());
    let values = values.or_else(|| own.map(|s| s.values.clone())).unwrap_or_else(|| read(first));
    let n_seeds = route.find(&SEEDS).or(own.map(|s| s.n_seeds)).unwrap_or(SEEDS.default);
    Sweep { base: config.clone(), setting, values, n_seeds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::address::toy;

    fn of(hash: &str) -> Sweep {
        let route = Route::parse(hash);
        let (preset, config) = toy::read(&route);
        chosen(&route, &config, &preset)
    }

    #[test]
    fn a_sweep_is_read_with_its_own_values_and_never_more_than_can_be_trained() {
        let named = of("#/toy?sweep=d&values=3,x,5,inf,1e300&seeds=4000000000");
        assert_eq!((named.setting, named.n_seeds), (Setting::DModel, 20));
        assert_eq!(named.values, [3.0, 5.0, FAR]);
        assert_eq!(of("#/toy?sweep=d&values=-").values, [5.0, 10.0, 15.0, 20.0]);
        let many = "1,".repeat(150);
        assert_eq!(of(&format!("#/toy?values={many}")).values.len(), MOST);
        assert_eq!(of("#/toy?sweep=nonsense").setting, of("#/toy").setting);
    }
}

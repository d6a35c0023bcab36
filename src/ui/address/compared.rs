//! Whose heads the Features page compares beside the one in view: some layers, or all of them.

use super::keys::COMPARED;
use super::route::Route;

/// What stands for every layer.
const ALL: &str = "all";

/// The layers that the address names, of those that the model has.
pub fn layers(route: &Route, own: &[usize]) -> Vec<usize> {
    let said = route.read(&COMPARED);
    let named = |layer: &&usize| said.split(',').any(|part| part.parse() == Ok(**layer));
    if said == ALL { own.to_vec() } else { own.iter().filter(named).copied().collect() }
}

/// `route` with one more layer, or with all.
pub fn with(route: Route, layer: Option<usize>) -> Route {
    let said = route.read(&COMPARED);
    let text = match layer {
        None => ALL.to_owned(),
        Some(layer) if said.is_empty() => layer.to_string(),
        Some(_) if said == ALL => said,
        Some(layer) if layers(&route, &[layer]).is_empty() => format!("{said},{layer}"),
        Some(_) => said,
    };
    route.put(&COMPARED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_all_that_was_compared_and_a_layer_once() {
        let own = [0, 1, 2, 5];
        let route = with(with(with(Route::default(), Some(5)), Some(1)), Some(5));
        assert_eq!(route.to_hash(), "#/heads?compared=5,1");
        assert_eq!(layers(&Route::parse(&route.to_hash()), &own), [1, 5]);
        let all = with(route, None);
        assert_eq!(layers(&all, &own), own);
        assert_eq!(with(all.clone(), Some(1)), all);
    }

    #[test]
    fn an_address_without_sense_compares_no_layer() {
        for text in ["", "every", "-1", "9", "1.5", "99999999999999999999999", ",,"] {
            let route = Route::parse(&format!("#/features?compared={text}"));
            assert_eq!(layers(&route, &[0, 1]), [0; 0], "{text}");
        }
    }
}

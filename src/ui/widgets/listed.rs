//! A list that the browser keeps for the page.

use std::future::Future;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What `list` answers, read once and whenever `of` is another one; and a way to read it again.
#[hook]
pub(super) fn use_listed<T, F>(
    list: fn() -> F,
    of: impl PartialEq + 'static,
) -> (UseStateHandle<Vec<T>>, Callback<()>)
where
    T: 'static,
    F: Future<Output = Vec<T>> + 'static,
{
    let listed = use_state(Vec::new);
    let look = {
        let listed = listed.clone();
        Callback::from(move |()| {
            let listed = listed.clone();
            spawn_local(async move { listed.set(list().await) });
        })
    };
    {
        let look = look.clone();
        use_effect_with(of, move |_| look.emit(()));
    }
    (listed, look)
}

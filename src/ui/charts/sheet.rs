//! The sheet that a chart is drawn on: as large as its place on the page, so that its text has one size at every width.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::Element;
use yew::prelude::*;

/// CSS pixels of the page's type that charts are laid out for; where the type is larger, as on a slide, so is the chart's.
const TYPE: f64 = 15.0;
/// About the width of a letter of a chart's text.
const LETTER: f64 = 6.7;

/// A chart's size, in units of which the page's type has fifteen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sheet {
    /// Width of what is drawn.
    pub width: f64,
    /// Height of what is drawn.
    pub height: f64,
    natural: f64,
    widest: Option<f64>,
}

impl Sheet {
    /// The sheet of a chart that has `room`, or before that is known is `width` wide, and that would like to be `high(width)` high.
    pub fn new(room: Option<[f64; 2]>, width: f64, high: impl Fn(f64) -> f64) -> Self {
        let [width, height] = room.unwrap_or([width, high(width)]);
        Self { width, height, natural: high(width), widest: None }
    }

    /// The same, no wider than `widest` where the page decides.
    pub fn at_most(self, widest: f64) -> Self {
        Self { widest: Some(widest), ..self }
    }

    /// The `viewBox`.
    pub fn view_box(&self) -> String {
        format!("0 0 {:.1} {:.1}", self.width, self.height)
    }

    /// What the style sheet needs to know.
    pub fn style(&self) -> String {
        let widest = self.widest.map_or_else(String::new, |w| format!("; --widest: {w:.1}"));
        format!("--high: {:.1}{widest}", self.natural)
    }

    /// `x`, moved so far that `text`, centred there, stays on the sheet.
    pub fn within(&self, x: f64, text: &str) -> f64 {
        let half = wide(text) / 2.0;
        x.min(self.width - half).max(half)
    }
}

/// About how wide `text` is in a chart.
pub fn wide(text: &str) -> f64 {
    LETTER * text.chars().count() as f64
}

/// Of labels at these places, those that do not run into the one before.
pub fn apart(labels: impl IntoIterator<Item = (f64, String)>) -> Vec<(f64, String)> {
    let mut free = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for (x, text) in labels {
        let half = wide(&text) / 2.0;
        if x - half >= free {
            free = x + half + 6.0;
            kept.push((x, text));
        }
    }
    kept
}

/// The element that a chart is drawn in, and its size once the browser has laid it out.
#[hook]
pub fn use_room() -> (NodeRef, Option<[f64; 2]>) {
    let frame = use_node_ref();
    let room = use_state_eq(|| None);
    {
        let (frame, room) = (frame.clone(), room.clone());
        use_effect_with((), move |()| {
            let watch = frame.cast::<Element>().and_then(|frame| Watch::new(frame, room).ok());
            move || drop(watch)
        });
    }
    (frame, *room)
}

/// Hears of every new size of an element; without it a chart keeps the size it began with and is scaled.
struct Watch {
    observer: JsValue,
    // The browser calls it for as long as the observer lives.
    _resized: Closure<dyn FnMut()>,
}

impl Watch {
    fn new(frame: Element, room: UseStateHandle<Option<[f64; 2]>>) -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("no window")?;
        let element = frame.clone();
        let resized = Closure::<dyn FnMut()>::new(move || {
            let (frame, room) = (frame.clone(), room.clone());
            // Drawing changes the size that is just being told: it waits for the next frame.
            let draw = Closure::once_into_js(move || {
                if let Some(size) = size(&frame) {
                    room.set(Some(size));
                }
            });
            // A browser that shows no frame has no size to tell.
            let _ = window.request_animation_frame(draw.unchecked_ref());
        });
        let maker: Function =
            Reflect::get(&js_sys::global(), &"ResizeObserver".into())?.dyn_into()?;
        let observer = Reflect::construct(&maker, &Array::of1(resized.as_ref()))?;
        call(&observer, "observe", &Array::of1(&element))?;
        Ok(Self { observer, _resized: resized })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // An observer that was made can be told to stop.
        let _ = call(&self.observer, "disconnect", &Array::new());
    }
}

fn call(object: &JsValue, method: &str, arguments: &Array) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    method.apply(object, arguments)
}

/// The size of an element that is shown, in units of the page's type.
fn size(frame: &Element) -> Option<[f64; 2]> {
    let window = web_sys::window()?;
    let root = window.document()?.document_element()?;
    let style = window.get_computed_style(&root).ok()??;
    let font: f64 =
        style.get_property_value("font-size").ok()?.trim_end_matches("px").parse().ok()?;
    let rect = frame.get_bounding_client_rect();
    let unit = font / TYPE;
    let size = [rect.width(), rect.height()].map(|x| (x / unit * 10.0).round() / 10.0);
    size.iter().all(|x| *x >= 20.0).then_some(size)
}

//! Saving what is on the screen: text and bytes as files, a chart as SVG or PNG.

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    Blob, BlobPropertyBag, Element, HtmlAnchorElement, HtmlCanvasElement, HtmlImageElement, Url,
};

use super::fetch::bytes;
use crate::study::stamp::Stamp;
use crate::ui::stamped;

/// Offers `bytes` to the reader as a file.
///
/// # Errors
/// If the browser refuses the download.
pub fn save(name: &str, mime: &str, bytes: &[u8]) -> Result<(), JsValue> {
    save_blob(name, &blob(mime, bytes)?)
}

/// `bytes` as a browser's file.
///
/// # Errors
/// If the browser has no memory for it.
pub fn blob(mime: &str, bytes: &[u8]) -> Result<Blob, JsValue> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
}

/// Offers a blob to the reader as a file.
///
/// # Errors
/// If the browser refuses the download.
pub fn save_blob(name: &str, blob: &Blob) -> Result<(), JsValue> {
    let document = document()?;
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The download has its own reference by now; the page's can go once the click is handled.
    let free = Closure::once_into_js(move || Url::revoke_object_url(&url));
    web_sys::window()
        .ok_or("no window")?
        .set_timeout_with_callback_and_timeout_and_arguments_0(free.unchecked_ref(), 10_000)?;
    Ok(())
}

/// The chart in `svg` as a file that stands alone, and its size: the page's colours and fonts are written into it, and its stamp.
///
/// # Errors
/// If the element cannot be serialised.
pub fn svg_text(svg: &Element, stamp: &Stamp) -> Result<(String, [f64; 2]), JsValue> {
    let copy: Element = svg.clone_node_with_deep(true)?.dyn_into()?;
    let (from, to) = (svg.query_selector_all("*")?, copy.query_selector_all("*")?);
    inline(svg, &copy)?;
    for i in 0..from.length() {
        if let (Some(a), Some(b)) = (from.item(i), to.item(i)) {
            inline(a.unchecked_ref(), b.unchecked_ref())?;
        }
    }
    if let Some(gone) = copy.query_selector(".gone")? {
        gone.remove();
    }
    // What follows the reader's scrolling stands at its own place in a file.
    if let Some(following) = copy.query_selector(".layers")? {
        following.remove_attribute("transform")?;
    }
    copy.set_attribute("xmlns", "http://www.w3.org/2000/svg")?;
    let rect = svg.get_bounding_client_rect();
    copy.set_attribute("width", &rect.width().to_string())?;
    copy.set_attribute("height", &rect.height().to_string())?;
    let inner = web_sys::XmlSerializer::new()?.serialize_to_string(&copy)?;
    Ok(stamped::svg(&inner, [rect.width(), rect.height()], stamp))
}

/// Draws the chart into a PNG at twice its size and offers it as a file.
///
/// # Errors
/// If the chart cannot be serialised.
pub fn save_png(name: &str, svg: &Element, stamp: &Stamp) -> Result<(), JsValue> {
    let (text, size) = svg_text(svg, stamp)?;
    let image = HtmlImageElement::new()?;
    let (drawn, name, stamp) = (image.clone(), name.to_owned(), stamp.clone());
    let on_load = Closure::once_into_js(move || {
        // A canvas that cannot be made leaves the reader with SVG and CSV.
        let _ = draw(&drawn, size.map(|x| 2.0 * x), name, stamp);
    });
    image.set_onload(Some(on_load.unchecked_ref()));
    image.set_src(&format!(
        "data:image/svg+xml;charset=utf-8,{}",
        js_sys::encode_uri_component(&text)
    ));
    Ok(())
}

fn draw(
    image: &HtmlImageElement,
    [width, height]: [f64; 2],
    name: String,
    stamp: Stamp,
) -> Result<(), JsValue> {
    let document = document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas")?.dyn_into()?;
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context: web_sys::CanvasRenderingContext2d =
        canvas.get_context("2d")?.ok_or("no canvas")?.dyn_into()?;
    let body = document.body().ok_or("no body")?;
    let style =
        web_sys::window().ok_or("no window")?.get_computed_style(&body)?.ok_or("no style")?;
    context.set_fill_style_str(&style.get_property_value("background-color")?);
    context.fill_rect(0.0, 0.0, width, height);
    context.draw_image_with_html_image_element_and_dw_and_dh(image, 0.0, 0.0, width, height)?;
    let on_blob = Closure::once_into_js(move |blob: Option<Blob>| {
        spawn_local(async move {
            let Some(blob) = blob else { return };
            // Without its bytes the picture is saved as the browser made it; its stamp is drawn in it.
            let _ = match bytes(&blob).await {
                Ok(bytes) => save(&name, "image/png", &stamped::png(&bytes, &stamp)),
                Err(_) => save_blob(&name, &blob),
            };
        });
    });
    canvas.to_blob(on_blob.unchecked_ref())
}

const STYLES: [&str; 10] = [
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "opacity",
    "fill-opacity",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
];

fn inline(from: &Element, to: &Element) -> Result<(), JsValue> {
    let window = web_sys::window().ok_or("no window")?;
    if let Some(style) = window.get_computed_style(from)? {
        let mut text = String::new();
        for name in STYLES {
            text.push_str(&format!("{name}:{};", style.get_property_value(name)?));
        }
        to.set_attribute("style", &text)?;
    }
    Ok(())
}

fn document() -> Result<web_sys::Document, JsValue> {
    Ok(web_sys::window().and_then(|w| w.document()).ok_or("no document")?)
}

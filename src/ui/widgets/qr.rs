//! An address as a QR code: the wall shows it, thirty phones open it.

use qrcodegen::{QrCode, QrCodeEcc};
use yew::prelude::*;

/// Modules of white around the code, which readers ask for (ISO/IEC 18004, 6.3.8).
const QUIET: i32 = 4;

/// Properties of [`Code`].
#[derive(Properties, PartialEq)]
pub struct CodeProps {
    /// What a reader of the code gets.
    pub text: AttrValue,
    /// What the picture is called.
    pub label: AttrValue,
    /// What is said where the text is too long for a code.
    pub too_long: AttrValue,
}

/// The code, dark on white in either theme: many readers know no other.
#[component]
pub fn Code(props: &CodeProps) -> Html {
    let drawn = use_memo(props.text.clone(), |text| {
        QrCode::encode_text(text, QrCodeEcc::Low).ok().map(|code| (code.size(), outline(&code)))
    });
    let Some((size, path)) = drawn.as_ref() else {
        return html! { <p class="hint" role="status">{ props.too_long.clone() }</p> };
    };
    let whole = size + 2 * QUIET;
    html! {
        <svg class="qr" viewBox={format!("{0} {0} {whole} {whole}", -QUIET)} role="img" aria-label={props.label.clone()} shape-rendering="crispEdges" data-testid="qr">
            <rect x={(-QUIET).to_string()} y={(-QUIET).to_string()} width={whole.to_string()} height={whole.to_string()} fill="#fff" />
            <path d={path.clone()} fill="#000" />
        </svg>
    }
}

/// The dark modules, row by row, neighbours as one.
fn outline(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|&x| code.get_module(x, y)).count() as i32;
            if run > 0 {
                path += &format!("M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    path
}

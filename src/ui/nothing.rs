//! What a component draws that has nothing to show.

use yew::Html;
use yew::virtual_dom::VText;

/// A text without a letter. A component always has a node of its own: the place in front of one that has none is, until Yew 0.23
/// has handed on its properties, the place of a neighbour that may be gone already, and what is drawn there brings the page down
/// (yewstack/yew#4092, mended there after 0.23).
pub(super) fn nothing() -> Html {
    Html::VText(VText::new(""))
}

//! The circuit to take along, whole: JSON as the command line prints it, GraphML, and the Python that reads it.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::convention::Convention;
use crate::protocol::trace::Answer;
use crate::study::python::circuit;
use crate::study::stamp::Stamp;
use crate::study::trace::Report;
use crate::ui::app::use_save;
use crate::ui::widgets::python::Python;
use crate::ui::words::trace as words;

/// Properties of [`Files`].
#[derive(Properties, PartialEq)]
pub(super) struct FilesProps {
    /// What was found.
    pub answer: Rc<Answer>,
    /// What the weights mean.
    pub convention: Convention,
    /// Where the numbers come from.
    pub stamp: Stamp,
}

/// Two buttons, and the way to read the file.
#[component]
pub(super) fn Files(props: &FilesProps) -> Html {
    let save = use_save();
    let button = |label: &'static str, as_graphml: bool| {
        let (save, answer) = (save.clone(), props.answer.clone());
        let (convention, stamp) = (props.convention.clone(), props.stamp.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            let Answer { ran, words, traced } = &*answer;
            let report = Report::new(convention.clone(), ran, *words, traced.clone());
            if as_graphml {
                let text = report.graphml(&stamp);
                save("circuit.graphml", "application/xml", text.as_bytes());
            } else {
                // Plain values always have a JSON form.
                let text = serde_json::to_vec(&report).unwrap_or_default();
                save("circuit.json", "application/json", &text);
            }
        });
        html! { <button type="button" {onclick}>{ label }</button> }
    };
    html! {
        <>
        <p class="exports whole">{ words::WHOLE_CIRCUIT_WHAT_REMOVED }{ button("circuit JSON", false) }{ button("circuit GraphML", true) }</p>
        <Python name="circuit.py" python={circuit(&props.stamp)} />
        </>
    }
}

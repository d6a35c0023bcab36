//! The circuit to take along, whole: JSON as the command line prints it, GraphML, and the Python that reads it.

use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::trace::Answer;
use crate::study::python::circuit;
use crate::study::trace::Report;
use crate::study::trace::report::stamped;
use crate::ui::app::use_app;
use crate::ui::widgets::python::Python;
use crate::ui::words::trace as words;

/// Properties of [`Files`].
#[derive(Properties, PartialEq)]
pub(super) struct FilesProps {
    /// What was found.
    pub answer: Rc<Answer>,
}

/// Two buttons, and the way to read the file.
#[component]
pub(super) fn Files(props: &FilesProps) -> Html {
    let app = use_app();
    let button = |label: &'static str, as_graphml: bool| {
        let (app, answer) = (app.clone(), props.answer.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            let state = app.value();
            let Some(model) = &state.model else { return };
            let convention = model.summary.convention(Weights::Folded).clone();
            let Answer { ran, words, traced } = &*answer;
            let report = Report::new(convention, ran, *words, traced.clone());
            let stamp = stamped(state.stamp(Weights::Folded), ran, traced);
            if as_graphml {
                let text = report.graphml(&stamp);
                app.session.save("circuit.graphml", "application/xml", text.as_bytes());
            } else {
                // Plain values always have a JSON form.
                let text = serde_json::to_vec(&report).unwrap_or_default();
                app.session.save("circuit.json", "application/json", &text);
            }
        });
        html! { <button type="button" {onclick}>{ label }</button> }
    };
    let stamp =
        stamped(app.value().stamp(Weights::Folded), &props.answer.ran, &props.answer.traced);
    html! {
        <>
        <p class="exports whole">{ words::WHOLE_CIRCUIT_WHAT_REMOVED }{ button("circuit JSON", false) }{ button("circuit GraphML", true) }</p>
        <Python name="circuit.py" python={circuit(&stamp)} />
        </>
    }
}

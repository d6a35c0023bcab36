//! What stands around the pages and the lessons, in English, and the name under which `www/lessons/CODE/words.md` says it in
//! another language. `{0}` and `{1}` are places for numbers and names.
//!
//! Longer than most files: one line for each text.

words! {
    /// A text of the frame.
    Word:

    Title, "title": "Omega Lens: what every attention head looks for";
    Skip, "skip": "Skip to the page";
    What, "what": "See what every attention head of a transformer looks for: the singular vectors of its QK and OV matrices, computed on your own machine.";
    // `www/models/README.md` holds the numbers.
    Welcome, "welcome": "This one comes with the page: 65 words, learned from little stories in which the next word must be looked up. After “When Mary and John went to the store, John gave a drink to” it says “Mary”; 128 such questions, 128 right. Which of its twelve heads finds her? Below is one that writes on what it reads.";
    SeeWork, "see-work": "see a head work";
    OpenMine, "open-mine": "open my model";
    Teach, "teach": "teach a class";
    Pages, "pages": "Pages";
    WhereYouAre, "where": "Where you are";
    PinThis, "pin": "pin this view";
    Light, "light": "Switch to light";
    Dark, "dark": "Switch to dark";

    Partly, "partly": "Lessons 1 to 3, their pictures and the words around them are translated; the rest of the page is in English.";
    NotYet, "not-yet": "There is no translation of this lesson yet: it is shown in English.";
    NotThis, "not-this": "There is no translation of this text yet: it is shown in English.";

    Lesson, "lesson": "Lesson";
    LessonTitle, "lesson-title": "Lesson {0}: {1}";
    Present, "present": "present";
    StopPresenting, "stop-presenting": "stop presenting";
    OnlyPicture, "only-picture": "only the picture";
    WholePage, "whole-page": "the whole page";
    AllLessons, "all-lessons": "all lessons";
    Steps, "steps": "Steps";
    Step, "step": "step {0}: {1}";
    StepDone, "step-done": "step {0}: {1}, answered";
    YourGuess, "your-guess": "Your guess:";
    AsGuessed, "as-guessed": "So it is.";
    NotAsGuessed, "not-as-guessed": "It is otherwise.";
    AboutBuiltIn, "about-built-in": "This lesson speaks of the built-in model.";
    OpenIt, "open-it": "open it";
    Turn, "turn": "Steps of the lesson";
    Back, "back": "‹ back";
    Next, "next": "next ›";
    SceneAgain, "scene-again": "set the scene again";
    NextLesson, "next-lesson": "lesson {0}: {1} ›";
    ToAllLessons, "to-all-lessons": "all lessons ›";

    Question, "question": "Question";
    Answered, "answered": "✓ answered";
    Check, "check": "check";
    Hint, "hint": "a hint";
    Right, "right": "Right.";
    NotRight, "not-right": "Not yet.";
    PredictFirst, "predict-first": "Predict first";
    JustShow, "just-show": "just show me";
    Covered, "covered": "Guess first, then the picture opens: the question stands under the text.";
    Choose, "choose": "Choose one of the answers first.";
    Empty, "empty": "Write a number first, such as 12 or −0.5.";
    Unread, "unread": "I can read numbers in digits, such as 92 or −4.27, and not this.";
    Share, "share": "That is the share of one. The question asks for per cent: a hundred times as many.";

    LockView, "lock-view": "lock this view for a class";
    LockHint, "lock-hint": "Tick what shall not be shown; the link below opens this view without it.";
    LockNav, "lock-nav": "every link to another page";
    LockOpen, "lock-open": "the line about the model, and every way to open other files, drops too";
    LockControls, "lock-controls": "choices, switches, sliders and buttons, but for those that the step uses";
    LockPrompt, "lock-prompt": "the prompt's text and its examples; its tokens stay";
    LockExports, "lock-exports": "downloads and the same in Python";
    LockLesson, "lock-lesson": "the way out of a lesson, the row of its steps, and the lesson after it";
    AsSlide, "as-slide": "as a slide, for the wall";
    Link, "link": "link";
    AsCode, "as-code": "the same as a code for a camera";
    TooLong, "too-long": "The link is too long for a code: lock the view of a shorter one.";
    TryIt, "try-it": "try it";

    Shelves, "shelves": "Learn";
    Lessons, "lessons": "Lessons";
    Teachers, "teachers": "For teachers";
    Answers, "answers": "Answers";
    Glossary, "glossary": "Glossary";
    Beside, "beside": "Each lesson stands beside the page it speaks of: read, look, try, answer. Nothing is marked and nothing is sent; your progress stays in this browser.";
    Length, "length": "{0} minutes, {1} steps";
    Done, "done": "done";
    Some, "some": "{0} of {1} answered";
    Handout, "handout": "handout";
    GoOn, "go-on": "go on at step {0}";
    Code, "code": "Progress code, to hand in:";
    ReadCode, "read-code": "read a code";
    Forget, "forget": "forget my progress";
    NoLesson, "no-lesson": "There is no such lesson.";
    NoCode, "no-code": "That is no progress code: one looks like 1f-3-0-0-0-0-0-0-d.";
    Slip, "slip": "The letter at the end does not fit the rest: one sign was copied wrongly.";
    NothingYet, "nothing-yet": "Nothing is answered yet.";
    AnsweredAre, "answered-are": "Answered: {0}.";
    AnsweredOf, "answered-of": "lesson {0}: {1} of {2}";

    Symbols, "symbols": "Symbols and words of this page";
    InGlossary, "in-glossary": "In the glossary";
    TouchIt, "touch-it": "Touch it";
    Measured, "measured": "How it is measured";

    ArcsMost, "arcs-most": "{0}: where “{1}” looks. Most of all at “{2}”, with {3} of its attention. Pick another word to let it look.";
    ArcsNone, "arcs-none": "{0}: “{1}” sees itself alone. Pick another word to let it look.";
    ArcsWords, "arcs-words": "Words of the sentence";
    ArcsSoon, "arcs-soon": "The heads look at the sentence.";
}

/// A text with what stands in its places: `{0}` is the first of `with`.
pub fn filled(text: &str, with: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // In one pass, so that a name with braces in it stays what it is.
    while let Some((before, after)) = rest.split_once('{') {
        out += before;
        let place = after.split_once('}').and_then(|(n, after)| Some((n.parse().ok()?, after)));
        match place.and_then(|(n, after): (usize, _)| Some((with.get(n)?, after))) {
            Some((put, after)) => {
                out += put;
                rest = after;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

/// Said when the texts of a language do not come, and what to do about it.
pub fn no_texts(language: &str, why: &str) -> (String, String) {
    (
        format!("The texts in {language} could not be fetched ({why})."),
        "Everything is shown in English; reload the page to try again.".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once_and_what_is_no_place_stays() {
        assert_eq!(filled("{1} of {0}: {1}", &["five", "two"]), "two of five: two");
        assert_eq!(filled("{0}", &["{1}"]), "{1}");
        assert_eq!(filled("{7} {x} {", &["a"]), "{7} {x} {");
    }
}

//! What the page Methods says.

sentences! {
    const CLAIM_NUMBER_BESIDE_WHAT = "A claim is a number beside what chance gives. Each screen says what is asked, the formula, what chance is, what the number cannot tell, where the method comes from, and which test of the source checks it. A “?” beside a number opens its screen.";
    const HOW_EVERY_NUMBER_MEASURED = "How every number is measured";
}

//! What several pages say in the same words.

sentences! {
    const BUILTIN_MODEL_BEING_LOADED = "The built-in model is being loaded.";
    const COMPARE_EVERY_STEP = "compare every step";
    const FOLDER_THEM = "or a folder of them";
    const ONE_PROMPT_LINE = "one prompt a line";
    const SCORE_BEING_TAKEN_APART = "The score is being taken apart.";
    const TOKENS_PROMPT = "Tokens of the prompt";
    const TRAINING_ORDER_NUMBERS_THEIR = "In training order, by the numbers in their names; correct a step where a name misleads.";
    const TRAINING_STEP_LOG = "training step, log";
    fn builtin_model_step(step) = "built-in model, step {step}";
    fn every_head(measure) = "{measure} of every head";
    fn series_could_not_loaded(why) = "The series could not be loaded: {why}.";
}

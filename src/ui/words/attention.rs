//! What the page Attention says.

pub use super::shared::{
    FOLDER_THEM, ONE_PROMPT_LINE, SCORE_BEING_TAKEN_APART, TOKENS_PROMPT,
    TRAINING_ORDER_NUMBERS_THEIR, TRAINING_STEP_LOG, builtin_model_step, every_head,
    series_could_not_loaded,
};
use crate::model::forward::EmbeddingPart;

sentences! {
    const AGAINST_MEAN_ALL_TOKENS = "against the mean of all tokens";
    const ALL_HEADS_ALL_ROLES = "All heads, all roles";
    const ALL_TERMS_TOGETHER_DO = "all terms together do not reach";
    const ALONE_ENOUGH_REACH = "it alone is enough to reach";
    const BIAS_HEAD = "bias of this head";
    const BIAS_UNEMBEDDING = "bias of the unembedding";
    const CHECKPOINTS_MY_OWN_MODEL = "or checkpoints of my own model (several files)";
    const CHOOSE_SEVERAL_SAFETENSORS_FILES = "Choose several .safetensors files of one model, or a folder of checkpoints.";
    const COLOUR_TOKENS = "colour tokens as";
    const CSV_EVERY = "CSV of every k";
    const CSV_EVERY_LOOK = "CSV of every look";
    const CSV_EVERY_PAIR = "CSV of every pair";
    const DESTINATION_WRITTEN = "destination, written by";
    const DIRECT_LOGIT_ATTRIBUTION_LAST = "Direct logit attribution: the last residual stream is a sum of what every head, every MLP and the embedding wrote; with the final norm's scale held, each has an exact share of the answer's logit. What a part does by way of later ones is counted at those.";
    const EMBEDDING_APART = " What enters the first layer is a sum, and each of its parts has a row; where a norm follows the sum (BERT), its scale is held too, and its bias is a row of its own.";
    const EVERY_TOKEN_ENCODERS_LAST = "every token of the encoder's last stream";
    const FILE_NOT_READ = "The browser could not read the file. What was run stays; give the file again.";
    const FRANCO_CROVELLA_LARGEST_TERMS = "Franco and Crovella 2024: the largest terms of the score, in order, until their sum exceeds the whole score.";
    const GIVE_SOURCES_PART = "give this source's part to";
    const HEADS_OVER_PROMPT_SET = "Heads over the prompt set";
    const HEADS_PROMPT = "Heads on this prompt";
    const HEADS_ROW_LEADS_TOKEN = "A head's row leads to the token that it owes its share to most. A share says what is added directly; a head that tells a later part what to write has its effect there: Trace follows those.";
    const ITSELF_EARLIER_ONE = "itself and each earlier one";
    const KEEP_ONLY_LARGEST = "keep only the largest";
    const LOGITS_ALL_HEADS = "logits, all heads";
    const LOOKED_ENCODER = "looked at, in the encoder →";
    const LOOKS_DECODER = "looks, in the decoder";
    const MEASURE_EVERY_STEP = "measure every step";
    const MY_OWN_LIST = "my own list";
    const NO_LOOK_ANY_HEAD = "No look of any head is over the threshold: lower it to see more.";
    const ONE_RANDOM_BASIS = "one random basis";
    const OPEN_MODEL_STEP = "open the model at step";
    const ORDER_SINGULAR_VECTORS_INTEGRATED = "Order the singular vectors by integrated gradients of the attention probability along α · scores, 64 trapezoid steps; remove them in that order until attention falls under two and a half times uniform attention, min(1, 2.5 / the sources that the token sees). The soft-cap, where there is one, is differentiated through.";
    const OVER_MANY_PROMPTS = "Over many prompts";
    const PAIRS_OV_PROMPT = "Pairs of OV on this prompt";
    const PICK_TOKEN_LOOKS = "Pick the token that looks.";
    const PROMPTS_SET = "prompts of the set";
    const PROMPT_BEING_RUN_THROUGH = "The prompt is being run through the model.";
    const RANDOM_LIST_TWICE = "random list, twice";
    const READ_HOW_MUCH_TOKEN = "Read: how much the token holds of what the pair reads, x·u. Written: attention times σ times that, along v. The pairs add up to what the head writes by reading this token; what its values hold wherever they are read counts as the layer's bias.";
    const RELATIVE_ATTENTION_SPLIT_OVER = "Relative attention, shared out over the parts of the model that wrote the residual stream before this head; the norm's scale is held fixed. Each column adds up to the term, or to the whole, on either side.";
    const REPEATED_RANDOM_TOKENS = "repeated random tokens";
    const ROLES_ALL_HEADS = "Roles of all heads";
    const ROLES_PROMPT = "Roles on this prompt";
    const ROLLSTOVEE_SPARSENESS_TERMS_LOWER = "Rolls–Tovee sparseness of the terms; lower is sparser, 1/d_head is one single term.";
    const RUNNING_PROMPT_LAYER_LAYER = "running the prompt, layer by layer";
    const RUNNING_SUM_LARGEST_TERMS = "Running sum of the largest terms";
    const RUN_PROMPT_CANCELLED = "The run of the prompt was cancelled. Press run to run it again.";
    const SAME_SCORE_ONE_RANDOM = "The same score in one random basis that keeps every score: what chance looks like.";
    const SCORE_TAKEN_APART = "Score, taken apart";
    const SHARE_EVERY_HEAD_ANSWER = "Share of every head in the answer";
    const SHARE_RANDOM_DRAWS_LEAST = "The share of random draws that are at least as sparse as the singular vectors, themselves counted: a p-value. Sparser than chance is what is sparser than every control; the largest of the three decides.";
    const SHARE_SCORE_REACHED_LARGEST = "Share of the score reached by the largest terms.";
    const SINGULAR_VECTORS_SUCH = "singular vectors, such as 0, 3, 5-8";
    const SMALL_RECON_NO_EVIDENCE = "A small N_recon is no evidence by itself: small scores are reached at once in any basis. Nor is S below one control: a decaying spectrum beats the first, a large score under it the second.";
    const SOURCE_WRITTEN = "source, written by";
    const SPARSE_CHANCE = "as sparse by chance";
    const SPLIT_LIKELIEST_ANSWER = "Split the likeliest answer";
    const TAKE_PART = "and take its part";
    const TERMS_RANDOM_BASIS = "Terms in a random basis";
    const THERE_NO_CHECKPOINT_AMONG = "There is no checkpoint among these files.";
    const TOKENS_DECODERS_PROMPT = "Tokens of the decoder's prompt";
    const TOKENS_ENCODERS_PROMPT = "Tokens of the encoder's prompt";
    const TOKEN_DECODER = "token of the decoder";
    const TOKEN_HEADS_READ = "By the token that the heads read";
    const TOKEN_IDS_DECODER = "token ids of the decoder";
    const TOKEN_IDS_DRAWN_RANDOM = "Token ids drawn at random, then the same again: nothing but the repetition helps to guess them.";
    const WHAT_EACH_HEAD_DOES = "What each head does on this prompt";
    const WHAT_HEAD_WRITES = "What the head writes";
    const WHAT_NO_VECTOR_CARRIES = "what no vector carries";
    const WHERE_COMES = "Where it comes from";
    const WHO_WRITES_ANSWER = "Who writes the answer";
    const WHO_WROTE_PICK_ONE = "Who wrote it? Pick one to trace it.";
    const WHO_WROTE_SCORE_TRACE = "Who wrote this score? Trace it.";
    fn and_swapped_on(src, other) = "“{src}” and “{other}” swapped on";
    fn answer_not_split(what) = "Who writes the answer is not split here: {what}. ";
    fn answered_correctly(c, n) = " {c} of {n} answered correctly.";
    fn attention_averaged_over(prompt) = "attention on {prompt}, averaged over its destinations";
    fn attention_of_at(label, dest, head) = "{label}: attention of “{dest}” at {head}";
    fn attention_pattern(name) = "Attention pattern of {name}";
    fn attention_row_column_click(who, seen) = "Attention of each {who} (row) to {seen} (column). Click a cell to take its score apart.";
    fn builtin_model_saved_steps(steps, prompts) = "The built-in model was saved at {steps} steps of its training. The same {prompts} indirect-object prompts are run on each checkpoint, one in memory at a time, and every head is measured.";
    fn changes_what_singular_vectors(dest, head) = "Changes what singular vectors add to the scores of “{dest}” at {head}, and runs the model on from there.";
    fn checkpoints_folded_weights(names, ends, a) = "{names} checkpoints, {ends} to {a} · folded weights";
    fn effective_rank_exp_entropy(head) = "{head}: effective rank, exp of the entropy of the shares σ² / Σσ².";
    fn gives_attention_singular_vector(dest, src, attention, top, share, n, draws) = "“{dest}” gives “{src}” {attention} of its attention. Singular vector k = {top} carries {share} of the difference to the other sources; {n} nine tenths. {draws}";
    fn head_ends_furthest_below(head) = "{head} is the head that ends furthest below chance.";
    fn how_often_singular_vector(name) = "{name}: how often each singular vector is the largest term. It need not be at the top of the spectrum.";
    fn in_this_family(named) = "In this family: {named}.";
    fn largest_singular_values_over(head, circuit, drawn) = "{head}, {circuit}: its {drawn} largest singular values over training; the table has all of them.";
    fn measure_checkpoints(own) = "measure these {own} checkpoints";
    fn model_answers(answer) = " The model answers {answer}.";
    fn never_under_even_without(threshold) = "never under {threshold}, even without all of them";
    fn no_split_over_earlier(reason) = "No split over earlier components: {reason}.";
    fn nothing_remove_attention_under(threshold) = "nothing to remove: attention is under {threshold} already";
    fn nowhere_to_look(role) = "{role}: nowhere to look";
    fn of_the_decoder(decoder_ids) = "; of the decoder {decoder_ids}";
    fn pair_view_adds(k, sigma, term, score) = " The pair in view, k = {k} with σ = {sigma}, adds {term} of the {score}.";
    fn pick_token_looks_colours(k) = "Pick the token that looks. Colours: how much each token, as a destination, is along u of k = {k}.";
    fn pick_token_looks_colours_how(k) = "Pick the token that looks. Colours: how much each source is along v of k = {k}, in the sign that raises the score.";
    fn prompts_one_kind_generated(prompts) = "{prompts} prompts of one kind, generated here. Each head is looked at where the last token looks, at the place of the answer; real values stand beside three controls. Only looks over the threshold count: a small score is reached by a few terms in any basis.";
    fn prompts_such(task, n, trim, answered, by) = "Prompts ({task}): {n}, such as “{trim}”.{answered}{by}";
    fn relative_attention_sum_over(score) = "Relative attention {score} as a sum over singular vectors.";
    fn score_scale_included_terms(score, remainder_share) = "Score {score} (scale included); the terms add up to {remainder_share} of the largest score.";
    fn sees_single_source_so(dest) = "“{dest}” sees a single source, so there is nothing to set it against.";
    fn singular_values_step(head, circuit, step) = "{head}, {circuit}: its singular values at step {step}.";
    fn singular_vectors_share_score(name) = "{name}: each singular vector's share of the score variance over the set. A large σ with a small share is weight that these prompts never use.";
    fn sparseness_answers_score_beside(head, accurate) = "{head}: sparseness of the answer's score beside its controls, and the task. Accuracy at the end: {accurate}.";
    fn sparseness_every_event_against(name) = "{name}: sparseness of every event against the size of its score. Small scores look sparse in any basis; compare at the same size.";
    fn step_not_measured(step, accuracy) = "Step {step}: not measured.{accuracy}";
    fn terms_make_up_nine(name) = "{name}: terms that make up nine tenths of the score of every event.";
    fn terms_make_up_whole(head) = "{head}: terms that make up the whole relative attention (N) and nine tenths of it (N.9).";
    fn terms_relative_attention_singular(terms, top) = "Terms of relative attention, {terms} singular vectors, the largest is k = {top}";
    fn tokens_stand_words_models(unknown) = "{unknown} of these tokens stand for words that this model's vocabulary does not have.";
    fn what_writes_reading(head, read) = "What {head} writes by reading {read}";
    fn who_wrote_trace(token) = "Who wrote “{token}”? Trace it.";
    fn file_of(what) = "file with {what}";
    fn reads_the_file(name) = "the file {name}";
    fn without_attention_falls_under(removed, last, threshold) = "without {removed} attention falls to {last}, under {threshold}";
}

/// What a file beside the prompt is.
pub const WHAT_THE_FILE_HOLDS: &str = "A safetensors file of what the model's processor makes, as `omega attention --input` takes it: pixel_values \
    [channels, height, width], input_features [mels, frames] or input_values [samples], in 32 bits; input_ids and decoder_input_ids may stand \
    beside them and are read instead of the prompt. It stays on this machine, and it is no part of the address.";
/// Takes the file back.
pub const WITHOUT_THE_FILE: &str = "without the file";

/// A part of what enters the first layer.
pub fn embedding_part(part: EmbeddingPart) -> &'static str {
    match part {
        EmbeddingPart::Whole => "embedding",
        EmbeddingPart::Tokens => "token embedding",
        EmbeddingPart::Front => "image or sound, embedded",
        EmbeddingPart::Positions => "position embedding",
        EmbeddingPart::Types => "token-type embedding",
        EmbeddingPart::Bias => "bias of the embedding's norm",
    }
}

/// What a head's scores are made of at a training step, all as it is written: S, and the terms that make nine tenths of the score;
/// of the singular vectors first, then under each control.
pub fn at_step(step: u32, s: &[String; 4], needed: &[String; 4], attention: &str) -> String {
    let ([s, basis, subspace, matched], [terms, random, ..]) = (s, needed);
    format!(
        "Step {step}: S {s} where the controls give {basis}, {subspace} and {matched}; {terms} terms make nine tenths of the score, in \
         random bases {random}; attention {attention}."
    )
}

//! What the page Trace says.

pub use super::shared::{ONE_PROMPT_LINE, TOKENS_PROMPT};
use crate::protocol::trace::TracedSet;

sentences! {
    const ALL_SCORES_EVERY_TOKEN = "all its scores at every token, times";
    const ANOTHER_PROMPT_TRACED = "another prompt traced";
    const ANSWER_WHAT_COMES_AFTER = "The answer is what comes after the token with the frame. Pick another to trace what comes after it.";
    const ARE_THESE_THE_VECTORS = "Are these the vectors?";
    const BELOW_SO_NOT_TAKEN = "below that, so it is not taken apart";
    const BESIDE_ANOTHER_PROMPT = "Beside another prompt";
    const BLUE_SOLID_NEEDED_QUERY = "Blue, solid: needed by the query; orange, dashed: by the keys; green, dotted: for the answer. The wider, the more. Click a node or an edge; arrow keys walk along the strongest edges and sideways.";
    const BOTH_CIRCUITS_CSV = "both circuits CSV";
    const CELLS_MUST_GO_UNTIL = "Cells that must go until no head of the circuit fires: singular vectors, beside random bases.";
    const CELLS_RANDOM_BASES = "cells in random bases";
    const CIRCUITS_RUN_LAYER_LAYER = "circuits run, layer by layer";
    const CIRCUIT_WALKED_RANDOM_BASES = "circuit walked in random bases";
    const COMPONENT_TOKEN = "a component at a token";
    const DOES_COME_BACK = "Does it come back?";
    const DRAW_EDGES = "draw edges from";
    const EDGES_BOTH_CIRCUITS = "Edges of both circuits";
    const EDGES_HOW_OFTEN_THEY = "Edges by how often they are found";
    const EDGES_WITHOUT_THEIR_POSITIONS = "Edges without their positions that both circuits have. Those between an MLP, a bias or an embedding and the answer are shared by nearly all circuits; p counts edges of heads alone.";
    const EDGE_INTO_ANSWER = "An edge into the answer";
    const EDGE_INTO_KEYS = "An edge into keys";
    const EDGE_INTO_QUERY = "An edge into a query";
    const EVERYWHERE_ONCE_ACC = "everywhere at once (ACC++)";
    const EVERY_HEAD_CIRCUIT_WALKED = "Every head of the circuit is walked again by the same rule in random bases that keep all its scores. If singular vectors were no better than any other basis, as few cells would do there.";
    const FREQUENCY_EDGE = "frequency of an edge";
    const GRADIENTS_LN = "gradients of ln p";
    const HEAD_FIRES_UNIFORM = "a head fires from × uniform";
    const FALLS_RANDOM_BASES = "attention lost without random directions";
    const HEAD_TOKENS = "head at tokens";
    const HOW_FAR_CIRCUITS_ATTENTION = "How far the circuit's attention alone brings the answer back from where it is with all attention levelled, beside random circuits of its shape.";
    const INTO_HEAD_HOW_MUCH = "Into a head: by how much its attention falls as this component's cells are zeroed, in the order of their integrated gradients. Into the answer: what the component adds to it.";
    const IS_IT_THE_CIRCUIT = "Is it the circuit?";
    const IT_RESTS_ON = "It rests on";
    const KEPT_CIRCUIT = "kept by a circuit";
    const KEPT_RANDOM = "kept by random circuits";
    const LOGIT_DIFFERENCE = "the logit difference";
    const NAME_YOURS = "a name of yours for it";
    const NO_EXPECTED_ANSWER = ", none with one expected answer, so traced from the likeliest token";
    const NODES_UNDER_ONE_NAME = "Nodes under one name are drawn as one, and their edges add up. Names are kept in the address.";
    const NOTHING_LAST_STREAM_SPEAKS = ". Nothing in the last stream speaks for it.";
    const NOTHING_WRITTEN_BEFORE_BUT = "nothing was written before it but the embeddings, so it is not taken apart";
    const ODDS_LOOKING_THERE_TIMES = "the odds of looking there, times";
    const ONE_KEY = "at one key";
    const OVER_SET_PROMPTS = "Over a set of prompts";
    const PARTS_KEYS_GO = "parts of keys go";
    const PIN_NODE_EDGE_SEE = "Pin a node or an edge to see what it is made of.";
    const PROMPT_BEING_RUN_ANSWER = "The prompt is being run, and its answer traced.";
    const RERUNNING_LAYER_LAYER = "rerunning, layer by layer";
    const RERUN_MODEL = "rerun the model";
    const RUNNING_TRACING_LAYER_LAYER = "running and tracing, layer by layer";
    const SAME_ANOTHER_PROMPT = "Is it the same on another prompt?";
    const SCORE_ATTENTION = "its score on Attention";
    const SEES_ONE_TOKEN_ONLY = "it sees one token only";
    const SHARES_LOGIT_DIFFERENCE = "shares of the logit difference";
    const SHARE_RISE = "share τ of its rise";
    const TRACED_WHY_HEADS_LOOK = "Traced is why heads look where they look, not what they move from there";
    const TRACE_ANSWER = "Trace the answer";
    const SET_CANCELLED = "The set was cancelled. Trace it again for what comes back.";
    const TRACE_CANCELLED_CHANGE_QUESTION = "The trace was cancelled. Change the question to ask again.";
    const TRACE_RERUNS_NOTHING_MODEL = "A trace reruns nothing. Here the model is run with the attention of this circuit alone: every other head, at every token, looks at all that it sees alike. MLPs stay.";
    const TRACE_SET = "trace the set";
    const WHAT_ADDS_SCORES_TIMES = "what it adds to the scores, times";
    const WHAT_CARRIES_ANSWER = "what carries the answer";
    const WHAT_CIRCUIT_WORTH = "What the circuit is worth";
    const WHAT_HEAD_WRITES = "what the head writes";
    const WHAT_TRACED = "What is traced";
    const WHAT_WRITES_EVERY_TOKEN = "what it writes at every token, times";
    const WHAT_WRITES_TOKEN_TIMES = "what it writes at this token, times";
    const WHERE_HEAD_LOOKS = "where the head looks";
    const WHOLE_CIRCUIT_WHAT_REMOVED = "The whole circuit, with what was removed at every firing: ";
    const YOUR_NAME = "your name for it";
    fn after_edges_both_circuits(answer_text, other, shared, only_here, only_there, shared_by_heads, p) = "“{answer_text}” after “{other}”: {shared} edges are in both circuits, {only_here} only here, {only_there} only there. {shared_by_heads} of the shared ones are edges of heads; where the heads of each layer have other names, as many are shared with p = {p}.";
    fn all_attention_levelled_all(measure, none, full, kept, without, mean, p) = "With all attention levelled {measure} is {none}, with all of it {full}. The circuit alone keeps {kept} of that way, the model without it {without}; random circuits of its shape keep {mean} on average, and one as much or more with p = {p}.";
    fn all_attention_levelled_attention(measure, full) = "With all attention levelled {measure} is as it was, {full}: attention does not matter here.";
    fn all_drops_attention_have(lost_drops) = "{lost_drops} of all drops of attention have no edge";
    fn all_heads_fire_silenced(cells, mean, p_cells) = "All heads that fire are silenced by taking away {cells} cells of singular vectors; in random bases {mean} are needed on average, and as few with p = {p_cells}.";
    fn answered_right(n_correct, all) = ", {n_correct} of {all} answered right";
    fn answered_right_expected(n_correct, n_compared) = ", {n_correct} of the {n_compared} with an expected answer answered right";
    fn attention_firing_counts(attention, threshold, became) = "Its attention is {attention}, firing counts from {threshold}; {became}.";
    fn attention_look(before, after) = ", the attention of this look from {before} to {after}";
    fn below_which_head_counts(threshold) = " That is below the {threshold} from which a head counts as firing, so it is not taken apart; lower the threshold to do so.";
    fn beside_token_ids(other) = "beside token ids {other}";
    fn carry_their_weight_lies(n, seeds, untraced_seeds) = ". {n} {seeds} carry it; {untraced_seeds} of their weight lies in MLPs, biases and embeddings, which a trace does not enter.";
    fn cells_random_bases_average(cells, mean) = "{cells} cells, in random bases {mean} on average";
    fn circuit_keeps_random_ones(kept, mean) = "This circuit keeps {kept}, random ones {mean} on average";
    fn circuit_nodes_edges(answer_text, nodes, lines) = "Circuit of “{answer_text}”: {nodes} nodes, {lines} edges";
    fn gives_attention(head, dest, src, attention, weak) = "{head} at “{dest}” gives “{src}” {attention} of its attention.{weak}";
    fn goes_from_to(factor, measure, before, after, looks) = "× {factor}: {measure} goes from {before} to {after}{looks}.";
    fn leads_logits(wrong, difference) = " and leads “{wrong}” by {difference} in logits";
    fn more_weaker_than_drawn(hidden) = "{hidden} more are weaker than drawn, or lead to nothing that is drawn.";
    fn probability_after(answer_text, p, at) = "“{answer_text}” has probability {p} after “{at}”";
    fn prompts_such_have_circuit(n_prompts, right, example, n, edges, chance) = "Prompts: {n_prompts}{right}, such as “{example}”. With a circuit: {n}, with {edges} different edges. Where heads have no names the most frequent edge is found in at most {chance} of them.";
    fn prompts_task_traced_own(prompts) = "{prompts} prompts of a task, each traced from its own answer under the rules above; edges are counted without their positions.";
    fn rarer_edges_file(rare) = "{rare} rarer edges are in the file. ";
    fn readings_heads_were_reached(firings, leaves, edges) = " Readings of heads that were reached: {firings}, not taken apart: {leaves}; edges between them and what they rest on: {edges}.";
    fn run_alone_random_circuits(draws) = "run it alone, and {draws} random circuits";
    fn shape_heads_tokens_same(rows, possible) = "Shape: {rows} heads at tokens, the same number in each layer at each token, other heads; {possible:.0} such circuits exist.";
    fn share_stays_circuit_beside(measure) = "Share of {measure} that stays: this circuit, beside random circuits of its shape.";
    fn sides_stayed_above_threshold(unreached_sides) = "{unreached_sides} sides stayed above the threshold with everything removed";
    fn taken_apart_cells_query(removed, of_keys) = "taken apart: {removed} cells of the query, or {of_keys} of the keys, and it no longer fires";
    fn traced_what_makes_not(node) = "Traced is what makes {node}, not an answer. ";
    fn walk_random_bases(draws) = "walk it in {draws} random bases";
    fn without_their_singular_vectors(fall, random_falls, p_falls) = "Without their singular vectors all edges lose {fall} of attention, without as many directions that nobody picked {random_falls} (p = {p_falls}); the vectors were picked because they do much, so this flatters them.";
}

/// How the prompts of a set were answered, as far as answers were expected.
pub fn answered(found: &TracedSet) -> String {
    match (found.n_expected, found.n_compared) {
        (0, _) => NO_EXPECTED_ANSWER.to_owned(),
        (_, 0) => String::new(),
        (_, all) if all == found.n_prompts => answered_right(&found.n_correct, &all),
        (_, some) => answered_right_expected(&found.n_correct, &some),
    }
}

//! What the frame and the small controls of all pages say.

sentences! {
    const COMES_NEXT_VISIT_NOW = " It comes with the next visit, or now.";
    const DISMISS_NOTICE = "Dismiss this notice";
    const FORGET_WHAT_LINK_ABOUT = "Forget what the link is about";
    const LAYERS_WITHOUT_ALL_THEIR = "layers without all their tensors";
    const NAME_ADDRESS = "or by name or address";
    const NAME_ADDRESS_2 = "name or address";
    const NEWER_VERSION_PAGE_READY = "A newer version of this page is ready.";
    const NO_MODEL_OPEN = "no model is open";
    const OPEN_NAME = "Open by name";
    const SAME_PYTHON = "The same in Python";
    const THIS_TABLE_AS_CSV = "this table as CSV";
    const WHAT_ADAPTER_ADDS_HEAD = "What the adapter adds to each head";
    const WHAT_FOUND = "What was found";
    fn how_measured(of) = "how {of} is measured";
    fn more_heads_in_csv(more) = "and {more} more heads in the CSV";
    fn one_set_tensors_used(uses) = "one set of tensors, used by {uses} layers";
}

//! What the self-test says.

sentences! {
    const BROWSER_REFUSED_CLIPBOARD_SAVE = "The browser refused the clipboard; save the report instead.";
    const EVERY_CHECK_PASSED = "Every check passed.";
    const GPU_LOST_ONCE_DRILL = "GPU, lost once (a drill)";
    const HEADS_KNOWN_DECOMPOSITION_COMPUTED = "Heads with a known decomposition are computed on this machine's GPU in f32 and on its CPU in f64. Nothing leaves the machine.";
    const MULTIPLYADDS_MEASURED_PEAK = "multiply-adds, measured peak";
    const OF_THE_PEAK = "of the peak";
    const RUN_SELFTEST = "run the self-test";
    const SOFTWARE_CORRECT_NOT_FASTER = " (software: correct, not faster than the CPU)";
    const SOME_CHECKS_FAILED_GPUS = "Some checks failed: this GPU's results would be recomputed on the CPU.";
    const THE_SELFTEST = "the self-test";
    const THOROUGH_HEADS_WIDE_UP = "thorough: heads 16 to 256 wide, up to 4096 rows";
    const WHOEVER_FASTER = "whoever is faster";
    fn bindings_up_workgroup_memory(backend, gpu, driver, software, max_binding, max_workgroup_memory, seed) = "{backend} {gpu} {driver}{software}; bindings up to {max_binding}, workgroup memory {max_workgroup_memory}; seed {seed}.";
    fn memory_second_measured(bytes) = "Memory: {bytes} a second, measured.";
    fn page_cpu_spectra_comparisons(threads, workers) = "This page has {threads} {workers} on the CPU, in f64. Spectra and comparisons of a large model, long prompts and prompt sets go to the GPU where a trial shows that to be faster; every spectrum comes with a certificate, and one that fails is computed again in f64. The choice is yours, with a drill that takes the GPU away in the middle of the work; it stands in the address and holds on every page.";
    fn shapes_few_seconds_gpu(done, total) = "{done} of {total} shapes; a few seconds on a GPU, longer on a software adapter. ";
}

/** The middle one of `values`; of an even number the upper of the two. */
export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

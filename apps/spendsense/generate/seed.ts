/** What data/ was drawn from. */
export const SEED = 'spendsense 1'

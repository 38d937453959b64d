/** What the small route answers, in every framework. */
export const stats = { spent: 1_284.5, count: 37, categories: ['food', 'rent', 'travel'], currency: 'EUR' }

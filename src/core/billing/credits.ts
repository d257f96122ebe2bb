/** One credit in the unit in which all amounts are stored and added up. */
const MICRO = 1_000_000;

export const MOST_CREDITS = 1_000_000_000;

export const microFrom = (credits: number): number => Math.round(credits * MICRO);

export const creditsOf = (micro: number): number => micro / MICRO;

/** What a project can buy. The price is in hundredths of the currency, the credits in micro-credits. */
export type Offer = { id: string; name: string; price: number; credits: number; description: string };

/** What so many credits of an offer cost, rounded up to a hundredth. */
export const priceOfCredits = ({ price, credits }: Offer, wanted: number): number =>
  Math.ceil(Number(((price * wanted) / credits).toFixed(6)));

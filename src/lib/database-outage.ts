/** The words of D1 and of the runtime for what passes. Of a statement that is wrong D1 names the code that SQLite gave it. */
const PASSING = /^D1_|\bD1\b|Network connection lost|caused object to be reset|its code was updated|overloaded/;
const WRONG = /SQLITE_(?!BUSY|LOCKED|IOERR|FULL|INTERRUPT)/;

/** Whether an error says that the database cannot be asked at the moment, itself or as the cause of another. */
export function isDatabaseOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A query that failed is called after its text, which may hold any word.
  if (error.cause !== undefined) return isDatabaseOutage(error.cause);
  return PASSING.test(error.message) && !WRONG.test(error.message);
}

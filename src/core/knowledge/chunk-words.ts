/** What of an id is random enough to tell stores and projects apart in the index; every hit is checked by its row. */
const tail = (id: string) => id.replaceAll("-", "").slice(-12).toLowerCase();

/** Each word carries its project, so that its list of chunks holds no other tenant's. */
export const markStems = (projectId: string, stems: string[]) => stems.map((stem) => `p${tail(projectId)}${stem}`);
export const storeScope = (storeId: string) => `s${tail(storeId)}`;

/** What a chunk can be found by: its own words and those that it stands under. */
export const wordsToFind = (filename: string, { headings, text }: { headings: string[]; text: string }): string =>
  [filename.replace(/\.\w{1,5}$/, ""), ...headings, text].join("\n");

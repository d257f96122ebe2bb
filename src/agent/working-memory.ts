import { WORKING_MEMORY_TOOL } from "../core/messages.ts";

const TEMPLATE = `# About the person
- First name:
- Last name:
- Location:
- Occupation:
- Interests:
- Goals:
- Events:
- Facts:
- Projects:`;

/** What the model is told of its notes; until there are any, it is shown what they could look like. */
export const memoryInstructions = (notes: string | null) =>
  `You keep notes about the person you talk to. They outlast what you see of the conversation.
Whenever you learn something that will still matter later, call ${WORKING_MEMORY_TOOL} with the complete new notes, and do not mention that you did.
Keep the form of the notes; leave out lines that you know nothing for.
<working_memory_data>
${notes ?? TEMPLATE}
</working_memory_data>`;

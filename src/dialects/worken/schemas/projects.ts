import * as z from "zod";
import { Name, Time, WebUrl } from "./parts.ts";

export const Project = z
  .object({
    id: z.string(),
    name: z.string(),
    organization_id: z.string(),
    avatar_url: z.string().nullable(),
    created_at: Time,
  })
  .meta({ id: "Project" });

export const CreateProject = z
  .object({ name: Name, organization_id: z.string().min(1).max(200), avatar_url: WebUrl.max(2000).nullish() })
  .meta({ id: "CreateProject", example: { name: "Lighthouse Books", organization_id: "org_1" } });

export const SetLimits = z
  .object({ requests_per_minute: z.int().min(1).max(1_000_000).nullable() })
  .meta({ id: "SetLimits" });

export const ProjectWithLimits = Project.extend({ requests_per_minute: z.int().nullable() }).meta({
  id: "ProjectWithLimits",
});

export const CreateApiKey = z.object({ name: Name }).meta({ id: "CreateApiKey", example: { name: "Website" } });

export const ApiKey = z
  .object({ id: z.string(), name: z.string(), last_used_at: Time.nullable(), created_at: Time })
  .meta({ id: "ApiKey" });

export const CreatedApiKey = z
  .object({ id: z.string(), name: z.string(), key: z.string(), created_at: Time })
  .meta({ id: "CreatedApiKey", description: "`key` is shown this once." });

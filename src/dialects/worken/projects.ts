import * as z from "zod";
import { createApiKey, deleteApiKey, listApiKeys } from "../../core/api-keys.ts";
import { answering } from "../../core/idempotency.ts";
import { createProject, listProjects, setRequestLimit } from "../../core/projects.ts";
import type { Api } from "../../http/route.ts";
import { forgetKeysOf } from "../../http/tenant.ts";
import { pageView } from "./pages.ts";
import {
  ApiKey,
  CreateApiKey,
  CreatedApiKey,
  CreateProject,
  Deleted,
  ListQuery,
  Project,
  ProjectWithLimits,
  SetLimits,
} from "./schemas.ts";
import { apiKeyView, createdApiKeyView, projectView } from "./wire.ts";

const Id = z.object({ id: z.string() });
const KeyId = Id.extend({ key_id: z.string() });

export const projects = (api: Api) =>
  api
    .on(
      "get",
      "/projects",
      { summary: "List projects", query: ListQuery, ok: z.array(Project), access: "either" },
      async ({ c, ctx, query }) => pageView(c, await listProjects(ctx, query), projectView),
    )
    .on(
      "post",
      "/projects",
      { summary: "Create a project", json: CreateProject, ok: Project, access: "root" },
      async ({ ctx, json }) => {
        const input = { name: json.name, organizationId: json.organization_id, avatarUrl: json.avatar_url };
        return projectView(await createProject(answering(ctx, projectView), input));
      },
    )
    .on(
      "post",
      "/projects/:id/limits",
      {
        summary: "Limit a project's requests per minute",
        params: Id,
        json: SetLimits,
        ok: ProjectWithLimits,
        access: "root",
      },
      async ({ ctx, params, json }) => {
        const project = await setRequestLimit(ctx, params.id, json.requests_per_minute);
        return { ...projectView(project), requests_per_minute: project.requestsPerMinute };
      },
    )
    .on(
      "post",
      "/projects/:id/api-keys",
      { summary: "Create an API key", params: Id, json: CreateApiKey, ok: CreatedApiKey, access: "either" },
      async ({ ctx, params, json }) =>
        createdApiKeyView(await createApiKey(answering(ctx, createdApiKeyView), params.id, json)),
    )
    .on(
      "get",
      "/projects/:id/api-keys",
      { summary: "List API keys", params: Id, query: ListQuery, ok: z.array(ApiKey), access: "either" },
      async ({ c, ctx, params, query }) => pageView(c, await listApiKeys(ctx, params.id, query), apiKeyView),
    )
    .on(
      "delete",
      "/projects/:id/api-keys/:key_id",
      { summary: "Delete an API key", params: KeyId, ok: Deleted, access: "either" },
      async ({ ctx, params }) => {
        await deleteApiKey(ctx, params.id, params.key_id);
        forgetKeysOf(params.id);
        return { id: params.key_id, deleted: true as const };
      },
    );

import type { ApiKey } from "../../../core/api-keys.ts";
import type { Project } from "../../../core/projects.ts";
import { type Wire, time, timeOrNull } from "./parts.ts";

export const projectView = (project: Project): Wire<"Project"> => ({
  id: project.id,
  name: project.name,
  organization_id: project.organizationId,
  avatar_url: project.avatarUrl,
  created_at: time(project.createdAt),
});

export const apiKeyView = (key: ApiKey): Wire<"ApiKey"> => ({
  id: key.id,
  name: key.name,
  last_used_at: timeOrNull(key.lastUsedAt),
  created_at: time(key.createdAt),
});

export const createdApiKeyView = (key: ApiKey & { key: string }): Wire<"CreatedApiKey"> => ({
  id: key.id,
  name: key.name,
  key: key.key,
  created_at: time(key.createdAt),
});

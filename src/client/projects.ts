import { path, type CallOptions, type Connection } from "./connection.ts";
import type {
  ApiKey,
  CreateApiKey,
  CreatedApiKey,
  CreateProject,
  Deleted,
  ListQuery,
  Project,
  ProjectWithLimits,
  SetLimits,
} from "./types.ts";

export const projects = (connection: Connection) => ({
  list: (query?: ListQuery, options?: CallOptions) => connection.list<Project[]>("/projects", query, options),
  create: (project: CreateProject, options?: CallOptions) => connection.post<Project>("/projects", project, options),
  setLimits: (projectId: string, limits: SetLimits, options?: CallOptions) =>
    connection.post<ProjectWithLimits>(path`/projects/${projectId}/limits`, limits, options),

  apiKeys: {
    list: (projectId: string, query?: ListQuery, options?: CallOptions) =>
      connection.list<ApiKey[]>(path`/projects/${projectId}/api-keys`, query, options),
    /** The only time that the key itself is shown. */
    create: (projectId: string, apiKey: CreateApiKey, options?: CallOptions) =>
      connection.post<CreatedApiKey>(path`/projects/${projectId}/api-keys`, apiKey, options),
    delete: (projectId: string, keyId: string, options?: CallOptions) =>
      connection.delete<Deleted>(path`/projects/${projectId}/api-keys/${keyId}`, options),
  },
});

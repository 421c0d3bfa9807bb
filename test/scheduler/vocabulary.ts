/** The names that random clusters and pods are made of. */
export const ZONES = ["a", "b", "c"] as const;
export const HOSTNAME = "kubernetes.io/hostname";
export const ZONE = "topology.kubernetes.io/zone";
export const APPS = ["web", "db", "cache"] as const;
export const NAMESPACES = ["default", "team", "ghost"] as const;
export const CLAIMS = ["data-0", "data-1", "data-2", "data-3"] as const;
export const IMAGES = ["example.org/web:1", "example.org/db:latest", "example.org/cache:2"] as const;

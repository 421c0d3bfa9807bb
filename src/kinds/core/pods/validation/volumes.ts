/** Volumes of a pod and where containers mount them. */
import { configKeyFaults, dnsLabelFaults, dnsSubdomainFaults } from "../../../../machinery/names.ts";
import { parseQuantity } from "../../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, notFoundError, validateOneOf } from "../../../../machinery/validation.ts";
import type {
  Container,
  DownwardApiFile,
  KeyToPath,
  ObjectFieldSelector,
  Volume,
  VolumeMount,
  VolumeProjection,
} from "../types.ts";

const MODE_MAX = 0o777;
const MODE_FAULT = "must be a number between 0 and 0777 (octal), both inclusive";
const TOKEN_SECONDS_MIN = 600;

export function validateVolumes(volumes: readonly Volume[], field: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const { name } = volume;
    if (!name) {
      errors.push(fieldError.required(`${at}.name`));
    } else {
      const faults = dnsLabelFaults(name);
      errors.push(...invalidFor(`${at}.name`, name, faults));
      if (faults.length === 0 && names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    }
    names.add(name);
    return [...errors, ...sourceErrors(volume, at)];
  });
}

function sourceErrors(volume: Volume, field: string): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== "name" && volume[key] !== undefined);
  const [first, ...others] = sources;
  if (first === undefined) return [fieldError.required(field, "must specify a volume type")];
  const more = others.map((source) =>
    fieldError.forbidden(`${field}.${source}`, "may not specify more than 1 volume type"),
  );
  return [...oneSourceErrors(volume, first, `${field}.${first}`), ...more];
}

function oneSourceErrors(volume: Volume, source: string, field: string): FieldError[] {
  const { emptyDir, hostPath, secret, configMap, projected, downwardAPI, persistentVolumeClaim } = volume;
  switch (source) {
    case "emptyDir":
      return sizeErrors(emptyDir?.sizeLimit, `${field}.sizeLimit`);
    case "hostPath":
      return hostPath ? hostPathErrors(hostPath, field) : [];
    case "secret":
      return [
        ...(secret?.secretName ? [] : [fieldError.required(`${field}.secretName`)]),
        ...filesErrors(secret, field),
      ];
    case "configMap":
      return [...(configMap?.name ? [] : [fieldError.required(`${field}.name`)]), ...filesErrors(configMap, field)];
    case "persistentVolumeClaim":
      return persistentVolumeClaim?.claimName ? [] : [fieldError.required(`${field}.claimName`)];
    case "downwardAPI":
      return [
        ...modeErrors(downwardAPI?.defaultMode, `${field}.defaultMode`),
        ...downwardErrors(downwardAPI?.items, field),
      ];
    case "projected":
      return [
        ...modeErrors(projected?.defaultMode, `${field}.defaultMode`),
        ...projectedErrors(projected?.sources ?? [], `${field}.sources`),
      ];
    default:
      return [];
  }
}

function sizeErrors(size: string | undefined, field: string): FieldError[] {
  if (size === undefined || parseQuantity(size).nano >= 0n) return [];
  return [fieldError.forbidden(field, "SizeLimit field must be a valid resource quantity")];
}

const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

export function hostPathErrors({ path, type }: NonNullable<Volume["hostPath"]>, field: string): FieldError[] {
  if (!path) return [fieldError.required(`${field}.path`)];
  const errors = backstepErrors(path, `${field}.path`);
  if (type !== undefined && !HOST_PATH_TYPES.includes(type)) {
    errors.push(fieldError.notSupported(`${field}.type`, type, HOST_PATH_TYPES));
  }
  return errors;
}

export function backstepErrors(path: string, field: string): FieldError[] {
  return path.split("/").includes("..") ? [fieldError.invalid(field, path, "must not contain '..'")] : [];
}

/** A path inside a volume: relative, and never out of it. */
function localPathErrors(path: string, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(fieldError.invalid(field, path, "must be a relative path"));
  return [...errors, ...backstepErrors(path, field)];
}

function fileNameErrors(path: string, field: string): FieldError[] {
  const errors = localPathErrors(path, field);
  if (path.startsWith("..") && !path.startsWith("../") && path !== "..") {
    errors.push(fieldError.invalid(field, path, "must not start with '..'"));
  }
  return errors;
}

function modeErrors(mode: number | undefined, field: string): FieldError[] {
  return mode === undefined || (mode >= 0 && mode <= MODE_MAX) ? [] : [fieldError.invalid(field, mode, MODE_FAULT)];
}

function filesErrors(source: { items?: KeyToPath[]; defaultMode?: number } | undefined, field: string): FieldError[] {
  return [
    ...modeErrors(source?.defaultMode, `${field}.defaultMode`),
    ...(source?.items ?? []).flatMap((item, index) => itemErrors(item, `${field}.items[${index}]`)),
  ];
}

function itemErrors({ key, path, mode }: KeyToPath, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!key) errors.push(fieldError.required(`${field}.key`));
  if (!path) errors.push(fieldError.required(`${field}.path`));
  else errors.push(...fileNameErrors(path, `${field}.path`));
  return [...errors, ...modeErrors(mode, `${field}.mode`)];
}

const DOWNWARD_FIELDS = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

function downwardErrors(items: readonly DownwardApiFile[] | undefined, field: string): FieldError[] {
  return (items ?? []).flatMap(({ path, fieldRef, resourceFieldRef, mode }) => {
    const errors: FieldError[] = [];
    if (!path) errors.push(fieldError.required(`${field}.path`));
    else errors.push(...fileNameErrors(path, `${field}.path`));
    if (fieldRef && resourceFieldRef) {
      errors.push(
        fieldError.invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
      );
    } else if (fieldRef) {
      errors.push(...fieldRefErrors(fieldRef, `${field}.fieldRef`, DOWNWARD_FIELDS));
    } else if (!resourceFieldRef) {
      errors.push(fieldError.required(field, "one of fieldRef and resourceFieldRef is required"));
    }
    return [...errors, ...modeErrors(mode, `${field}.mode`)];
  });
}

/** `allowed` without the subscripts that labels and annotations may have. */
export function fieldRefErrors(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  field: string,
  allowed: readonly string[],
): FieldError[] {
  if (!apiVersion) return [fieldError.required(`${field}.apiVersion`)];
  if (!fieldPath) return [fieldError.required(`${field}.fieldPath`)];
  const subscript = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/.exec(fieldPath);
  if (subscript) return [];
  return allowed.includes(fieldPath) ? [] : [fieldError.notSupported(`${field}.fieldPath`, fieldPath, allowed)];
}

function projectedErrors(sources: readonly VolumeProjection[], field: string): FieldError[] {
  const paths = new Set<string>();
  return sources.flatMap((source, index) => {
    const at = `${field}[${index}]`;
    const kinds = Object.keys(source);
    const errors: FieldError[] = [];
    const { secret, configMap, downwardAPI, serviceAccountToken } = source;
    if (kinds.length === 0) errors.push(fieldError.required(at, "must specify a volume type"));
    for (const kind of kinds.slice(1)) {
      errors.push(fieldError.forbidden(`${at}.${kind}`, "may not specify more than 1 volume type"));
    }
    if (secret) errors.push(...namedErrors(secret, `${at}.secret`));
    if (configMap) errors.push(...namedErrors(configMap, `${at}.configMap`));
    if (downwardAPI) errors.push(...downwardErrors(downwardAPI.items, `${at}.downwardAPI`));
    if (serviceAccountToken) errors.push(...tokenErrors(serviceAccountToken, `${at}.serviceAccountToken`));
    const files = [
      ...[...(secret?.items ?? []), ...(configMap?.items ?? []), ...(downwardAPI?.items ?? [])].map(({ path }) => path),
      ...(serviceAccountToken ? [serviceAccountToken.path] : []),
    ];
    for (const path of files) {
      if (paths.has(path)) errors.push(fieldError.invalid(at, path, "conflicting duplicate paths"));
      paths.add(path);
    }
    return errors;
  });
}

function namedErrors(source: { name?: string; items?: KeyToPath[] }, field: string): FieldError[] {
  return [...(source.name ? [] : [fieldError.required(`${field}.name`)]), ...filesErrors(source, field)];
}

function tokenErrors(
  { expirationSeconds, path }: NonNullable<VolumeProjection["serviceAccountToken"]>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${field}.expirationSeconds`;
  if (expirationSeconds !== undefined && expirationSeconds < TOKEN_SECONDS_MIN) {
    errors.push(fieldError.invalid(at, expirationSeconds, "may not specify a duration less than 10 minutes"));
  } else if (expirationSeconds !== undefined && expirationSeconds > 2 ** 32) {
    errors.push(fieldError.invalid(at, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  }
  if (!path) errors.push(fieldError.required(`${field}.path`));
  else errors.push(...fileNameErrors(path, `${field}.path`));
  return errors;
}

export function validateVolumeMounts(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  field: string,
): FieldError[] {
  const paths = new Set<string>((container.volumeDevices ?? []).map(({ devicePath }) => devicePath));
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(fieldError.required(`${at}.name`));
    else if (!volumes.has(mount.name)) errors.push(notFoundError(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(fieldError.required(`${at}.mountPath`));
    if (paths.has(mount.mountPath))
      errors.push(fieldError.invalid(`${at}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount.mountPath);
    return [...errors, ...mountErrors(mount, container, at)];
  });
}

function mountErrors(mount: VolumeMount, container: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { subPath, subPathExpr, mountPropagation, recursiveReadOnly } = mount;
  if (subPath) errors.push(...localPathErrors(subPath, `${field}.subPath`));
  if (subPathExpr && subPath) {
    errors.push(
      fieldError.invalid(`${field}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"),
    );
  } else if (subPathExpr) {
    errors.push(...localPathErrors(subPathExpr, `${field}.subPathExpr`));
  }
  if (mountPropagation !== undefined) {
    const at = `${field}.mountPropagation`;
    errors.push(...validateOneOf(mountPropagation, at, ["Bidirectional", "HostToContainer", "None"]));
    if (mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true) {
      errors.push(
        fieldError.forbidden(at, "Bidirectional mount propagation is available only to privileged containers"),
      );
    }
  }
  if (recursiveReadOnly && recursiveReadOnly !== "Disabled" && mount.readOnly !== true) {
    const why = "may only be specified when readOnly is true";
    errors.push(fieldError.forbidden(`${field}.recursiveReadOnly`, why));
  }
  return errors;
}

/** A key of a ConfigMap or a Secret that an environment variable is taken from. */
export function keyRefErrors(ref: { name?: string; key: string }, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (ref.name) errors.push(...invalidFor(`${field}.name`, ref.name, dnsSubdomainFaults(ref.name)));
  else errors.push(fieldError.required(`${field}.name`));
  if (!ref.key) errors.push(fieldError.required(`${field}.key`));
  else errors.push(...invalidFor(`${field}.key`, ref.key, configKeyFaults(ref.key)));
  return errors;
}

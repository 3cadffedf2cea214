/** An object of a cluster, by its name and namespace. */
export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** What the control plane calls an object: `name.namespace`. Two objects never have one name, as no namespace has a dot. */
export function modelName({ namespace, name }: ObjectName): string {
  return `${name}.${namespace}`;
}

/** The other way round; undefined for a name without a namespace. */
export function objectName(model: string): ObjectName | undefined {
  const dot = model.lastIndexOf(".");
  if (dot <= 0) return undefined;
  return { namespace: model.slice(dot + 1), name: model.slice(0, dot) };
}

/** The node id of a pod's sidecar. */
export function nodeId({ namespace, name }: ObjectName): string {
  return `${name}.${namespace}`;
}

/** Where an object is, for messages: `kubernetes:NAMESPACE/Kind/NAME`. */
export function placeOf(kind: string, { namespace, name }: ObjectName): string {
  return `kubernetes:${namespace}/${kind}/${name}`;
}

/** `Kind name` of an object in the model. A MeshService is a part of its Service there; there is one Mesh, which has no namespace. */
export function resourceName(kind: string, name: ObjectName): string {
  if (kind === "Mesh") return `Mesh ${name.name}`;
  return `${kind === "MeshService" ? "Service" : kind} ${modelName(name)}`;
}

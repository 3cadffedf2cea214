export { KubeConfigError, KubernetesApi, KubernetesError } from "./api.ts";
export { collectionPath } from "./paths.ts";
export { KubernetesSource, type KubernetesOptions } from "./source.ts";
export { modelName, nodeId, objectName, type ObjectName } from "./names.ts";
export { podAnnotations } from "./objects.ts";
export { openKubernetes, type Kubernetes } from "./open.ts";
export { TokenReviews } from "./token-reviews.ts";

# The gateway's image: Node, the libraries that Node loads, and this package. No shell, no package manager, one user.
# docs/operating/kubernetes.md says how to build it for several architectures, reproducibly and pinned by digest.
ARG NODE_IMAGE=node:24.21.0-trixie-slim

# What is built is text, the same for every architecture: this stage and the next run on the builder's own.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY tools/ tools/
RUN ["npm", "ci", "--ignore-scripts"]
COPY tsconfig.json tsconfig.build.json ./
COPY src/ src/
RUN ["npm", "run", "build"]

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS dependencies
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY tools/ tools/
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts"]

# Node and its libraries are taken from the image of the target's architecture.
FROM ${NODE_IMAGE} AS root
ARG SOURCE_DATE_EPOCH=0
WORKDIR /src
COPY deploy/image/root.ts deploy/image/root.ts
COPY LICENSE README.md CHANGELOG.md package.json ./
COPY bin/ bin/
COPY config/ config/
COPY rules/ rules/
COPY --from=dependencies /src/node_modules/ node_modules/
COPY --from=build /src/dist/ dist/
RUN ["node", "deploy/image/root.ts", "../out"]

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="zion" \
      org.opencontainers.image.description="A reverse proxy and WAF edge gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="docs/operating/kubernetes.md"
COPY --from=root /out/system/ /
COPY --from=root --chown=65532:65532 /out/state/ /var/lib/
USER 65532:65532
WORKDIR /
EXPOSE 8080 8443 9464
# Probes are the platform's: they see a container that hangs, and each check here would start a Node of its own.
HEALTHCHECK NONE
ENTRYPOINT ["/nodejs/bin/node", "/app/bin/zion.js"]
CMD ["run", "-c", "/etc/zion/config/zion.toml"]

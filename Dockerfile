# Sourcebook in a container that does not run as root.
#
#   docker build --tag sourcebook .
#   docker run --read-only --tmpfs /tmp --volume sourcebook:/library --publish 127.0.0.1:8000:8000 sourcebook
#
# It asks for a key. Make one first, or say that nobody else can reach it with --env SOURCEBOOK_OPEN=1:
#   docker run --rm --volume sourcebook:/library sourcebook keys add NAME --role admin
#
# The one volume, /library, holds the library and what OpenVINO compiles for the processor.
FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv /opt/sourcebook
# First what is needed and changes seldom, so that a change of the source does not install it anew.
# Every file is compared with its hash; `make pins` writes the list.
COPY docs/deploy/requirements.txt ./
RUN /opt/sourcebook/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY seeds seeds
COPY index index
COPY service service
COPY eval eval
# Built with the setuptools of that list, which nothing needs afterwards.
RUN /opt/sourcebook/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/sourcebook/bin/pip uninstall --yes setuptools

FROM python:3.13-slim
# faiss and OpenVINO bring their own OpenMP and TBB; the slim image has all else.
RUN useradd --system --uid 10001 --no-create-home --home-dir /library sourcebook \
    && install --directory --owner sourcebook --group sourcebook /library
COPY --from=build /opt/sourcebook /opt/sourcebook
ENV PATH=/opt/sourcebook/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    SOURCEBOOK_LIBRARY=/library/articles \
    SOURCEBOOK_HOST=0.0.0.0 \
    XDG_CACHE_HOME=/library/cache
USER sourcebook
WORKDIR /library
VOLUME /library
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('SOURCEBOOK_PORT', '8000') + '/livez', timeout=4)"]
ENTRYPOINT ["sourcebook"]
CMD ["serve"]

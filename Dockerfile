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
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > needed.txt \
    && /opt/sourcebook/bin/pip install --no-cache-dir --constraint constraints.txt --requirement needed.txt
COPY seeds seeds
COPY index index
COPY service service
COPY eval eval
RUN /opt/sourcebook/bin/pip install --no-cache-dir --no-deps .

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
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["sourcebook"]
CMD ["serve"]

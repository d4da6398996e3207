"""A Kafka broker of one node, from Maven's jars; it is there again where it was after having been stopped."""

import itertools
import socket
import subprocess
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition
from tests.caches import maven_class_path
from tests.ports import reserved_port

HERE = Path(__file__).parent

# A small heap and no optimising compiler: it is to start quickly, and has little to do.
JAVA = ("java", "-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp")
CLUSTER_ID = "dHdpbmZyb250LXRlc3RzMQ"
START_SECONDS = 60

SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_front="a secret";
log.dirs={folder}/data
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1500
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


class Broker:
    """Runs a broker in a folder."""

    def __init__(self, folder: Path) -> None:
        self.port, self.sasl_port = reserved_port(), reserved_port()
        self._folder = folder
        self._names = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._class_path = maven_class_path(HERE / "pom.xml")
        self._settings = folder / "server.properties"
        ports = {"port": self.port, "sasl": self.sasl_port, "controller": reserved_port()}
        self._settings.write_text(SETTINGS.format(folder=folder, **ports))
        arguments = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._settings)]
        subprocess.run([*JAVA, self._class_path, *arguments], check=True, capture_output=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            command = [*JAVA, self._class_path, "kafka.Kafka", str(self._settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self._listens():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-4000:]
            assert time.monotonic() < until, "the broker does not start"
            time.sleep(0.1)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def topic(self, partitions: int = 1) -> str:
        """Makes a topic, and gives its name."""
        name = f"twins-{next(self._names)}"
        await self.make(name, partitions)
        return name

    async def make(self, topic: str, partitions: int = 1) -> None:
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(topic, partitions, 1)])

    async def limit(self, topic: str, max_message_bytes: int) -> None:
        """Has the topic take no larger messages."""
        await self._configure(topic, "max.message.bytes", max_message_bytes)

    async def take_any_time(self, topic: str) -> None:
        """Has the topic take messages of which the producer says that they are of the future, as all once did."""
        await self._configure(topic, "message.timestamp.after.max.ms", 2**63 - 1)

    async def _configure(self, topic: str, name: str, value: int) -> None:
        async with self._admin() as admin:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: str(value)})])

    async def add_partitions(self, topic: str, total: int) -> None:
        async with self._admin() as admin:
            await admin.create_partitions({topic: NewPartitions(total)})

    async def trim(self, topic: str, before: int, partition: int = 0) -> None:
        """Deletes what comes before an offset."""
        async with self._admin() as admin:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})

    def _admin(self) -> "_Admin":
        return _Admin(bootstrap_servers=self.address)

    def producer(self, **options: object) -> AIOKafkaProducer:
        return AIOKafkaProducer(bootstrap_servers=self.address, **options)


class _Admin(AIOKafkaAdminClient):  # type: ignore[misc]  # the client ships no types
    async def __aenter__(self) -> AIOKafkaAdminClient:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

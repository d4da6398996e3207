"""Changes a room's temperature, unless somebody else was faster.

It needs a server with the sample building: TWINFRONT_ADDRESS, or localhost:50051.
"""

import os

from twinfront import EtagMismatchError, TwinfrontClient, patch


def main() -> None:
    """Reads, changes, and writes under the etag that was read."""
    # begin ten lines
    with TwinfrontClient(os.environ.get("TWINFRONT_ADDRESS", "localhost:50051")) as client:
        room = client.get_digital_twin("room-001")
        try:
            client.update_digital_twin("room-001", patch().replace("/temperature", 22.5), if_match=room.etag)
        except EtagMismatchError as error:
            print("somebody was faster; the current etag is", error.current_etag)
    # end ten lines


if __name__ == "__main__":
    main()

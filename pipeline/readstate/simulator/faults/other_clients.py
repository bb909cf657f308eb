"""Other clients of the account: they read, write and leave while a bulk job works."""

from readstate.simulator.faults.injector import FaultInjector
from readstate.simulator.seed.records import Conversation, Participant, User
from readstate.simulator.world.editor import Editor
from readstate.simulator.world.service import Service
from readstate.simulator.world.world import World

ACTOR = "live client"
_TRIES = 20


class OtherClients:
    """Acts as users with the app open would."""

    def __init__(self, world: World, injector: FaultInjector) -> None:
        self._world = world
        self._injector = injector

    def move_somewhere(self) -> None:
        """Move the horizon of some membership forward, wherever that is possible."""
        for _ in range(_TRIES):
            found = self._somewhere()
            if found is not None and self.read_all(*found):
                return

    def write_somewhere(self) -> None:
        """Write a message into some conversation."""
        found = self._somewhere()
        if found is not None:
            self.write_message(found[0], found[1].number)

    def rename_somebody(self) -> None:
        """Change some user."""
        service = self._world.services[self._injector.index(len(self._world.services))]
        count = service.seeded.users.count
        user = service.user(self._injector.index(count)) if count else None
        if user is not None:
            self.rename(service, user)

    def after_fetch(self, service: Service, conversation: Conversation, participant: Participant) -> None:
        """Perhaps move a horizon right after its membership was fetched."""
        if self._injector.chance(self._injector.faults.live_after_fetch_share):
            self.read_all(service, conversation, participant)

    def before_write(self, service: Service, conversation: Conversation, participant: Participant) -> None:
        """Perhaps remove the participant right before a write arrives."""
        if self._injector.chance(self._injector.faults.live_removal_share):
            self._editor(service).remove_participant(conversation, participant)

    def after_lookup(self, service: Service, conversation: Conversation) -> None:
        """Perhaps add a message right after the newest one was looked up."""
        if self._injector.chance(self._injector.faults.live_message_share):
            self._editor(service).add_message(conversation, author=None, body="and another thing")

    def write_message(self, service: Service, conversation: int) -> None:
        """Write a message into the conversation of that number, unless it is closed or gone."""
        found = service.conversation(conversation)
        if found is not None and found.state != "closed":
            self._editor(service).add_message(found, author=None, body="something new")

    def rename(self, service: Service, user: User) -> None:
        """Change the friendly name of a user."""
        self._editor(service).update_user(user, user._replace(friendly_name=f"{user.friendly_name}'"))

    def read(self, service: Service, conversation: Conversation, participant: Participant) -> None:
        """Move a horizon to the newest message, or only touch the membership where it is there already."""
        if not self.read_all(service, conversation, participant):
            new = participant._replace(date_updated=int(self._world.now()))
            self._editor(service).update_participant(conversation, participant, new)

    def read_all(self, service: Service, conversation: Conversation, participant: Participant) -> bool:
        """Move a horizon to the newest message; return False if it was there already."""
        newest = conversation.messages.newest()
        horizon = participant.last_read_message_index
        if newest is None or (horizon is not None and horizon >= newest):
            return False
        now = int(self._world.now())
        new = participant._replace(last_read_message_index=newest, last_read_timestamp=now, date_updated=now)
        self._editor(service).update_participant(conversation, participant, new)
        return True

    def _somewhere(self) -> tuple[Service, Conversation, Participant] | None:
        service = self._world.services[self._injector.index(len(self._world.services))]
        count = service.seeded.users.count
        user = self._injector.index(count) if count else 0
        listed = service.conversations_of(user) if count else []
        if not listed:
            return None
        membership = service.listed_membership(listed[self._injector.index(len(listed))], user)
        return None if membership is None else (service, *membership)

    def _editor(self, service: Service) -> Editor:
        return self._world.edit(service, actor=ACTOR)

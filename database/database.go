// Package database holds the bridge's own tables. They live in the framework's
// database, beside its tables, with a version of their own, and every row that
// belongs to a login goes when the login goes.
package database

import (
	"context"
	"embed"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix/bridgev2/networkid"
)

//go:embed upgrades/*.sql
var upgrades embed.FS

// versionTable is where the version of the own tables is kept.
const versionTable = "msn_version"

// Database gives access to the own tables by typed queries.
type Database struct {
	db *dbutil.Database

	Contact       *ContactQuery
	MSNQueue      *MSNQueueQuery
	MatrixQueue   *MatrixQueueQuery
	Alert         *AlertQuery
	Page          *PageQuery
	Invitation    *InvitationQuery
	Group         *GroupQuery
	GroupChange   *GroupChangeQuery
	Ghost         *GhostQuery
	Portal        *PortalQuery
	Intake        *IntakeQuery
	Lease         *LeaseQuery
	Presence      *ShownQuery
	ProfileStatus *ShownQuery
	GroupSpace    *GroupSpaceQuery
	LoginSpace    *LoginSpaceQuery
	Prompt        *PromptQuery
	Object        *ObjectQuery
	Picture       *PictureQuery
	FileQueue     *FileQueueQuery
	ComingFile    *ComingFileQuery
	Waiting       *WaitingQuery
	Absence       *AbsenceQuery
	Old           *OldQuery
}

// New prepares the tables beside those of parent, for the bridge with the given
// ID. Call Upgrade before the first query.
func New(bridgeID networkid.BridgeID, parent *dbutil.Database, log dbutil.DatabaseLogger) *Database {
	db := parent.Child(versionTable, upgradeTable(), log)
	all := newTogether(db)
	lease := &LeaseQuery{db: db, bridgeID: bridgeID}
	queue := newMSNQueueQuery(db, bridgeID, all, lease)
	intake := newIntakeQuery(db, bridgeID, all, lease)
	absence := &AbsenceQuery{holders: holders{table: "absence", lease: lease}, bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Absence](db)}
	return &Database{
		db:            db,
		Contact:       &ContactQuery{bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Contact](db)},
		MSNQueue:      queue,
		MatrixQueue:   newMatrixQueueQuery(db, bridgeID, all, lease, intake, absence),
		Alert:         &AlertQuery{bridgeID: bridgeID, queue: queue, QueryHelper: dbutil.MakeQueryHelperReflect[*Alert](db)},
		Page:          &PageQuery{holders: holders{table: "page", lease: lease}, bridgeID: bridgeID, lease: lease, QueryHelper: dbutil.MakeQueryHelperReflect[*Page](db)},
		Invitation:    &InvitationQuery{bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Invitation](db)},
		Group:         &GroupQuery{holders: holders{table: "group_member", lease: lease}, bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*GroupMember](db)},
		GroupChange:   &GroupChangeQuery{holders: holders{table: "group_change", lease: lease}, bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*GroupChange](db)},
		Ghost:         &GhostQuery{db: db, bridgeID: bridgeID},
		Portal:        newPortalQuery(db, bridgeID),
		Intake:        intake,
		Lease:         lease,
		Presence:      newShownQuery(db, bridgeID, "presence"),
		ProfileStatus: newShownQuery(db, bridgeID, "profile_status"),
		GroupSpace:    &GroupSpaceQuery{QueryHelper: dbutil.MakeQueryHelper(db, func(*dbutil.QueryHelper[*GroupSpace]) *GroupSpace { return &GroupSpace{} }), bridgeID: bridgeID, holders: holders{table: "group_space", lease: lease}},
		LoginSpace:    &LoginSpaceQuery{holders{table: "user_login", which: "space_room<>''", id: "id", lease: lease}},
		Prompt:        &PromptQuery{bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Prompt](db)},
		Object:        &ObjectQuery{bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Object](db)},
		Picture:       &PictureQuery{holders: holders{table: "picture", lease: lease}, bridgeID: bridgeID, QueryHelper: dbutil.MakeQueryHelperReflect[*Picture](db)},
		Waiting:       &WaitingQuery{db: db, bridgeID: bridgeID},
		FileQueue:     &FileQueueQuery{holders: holders{table: "file_queue", lease: lease}, bridgeID: bridgeID, lease: lease, intake: intake, QueryHelper: dbutil.MakeQueryHelperReflect[*QueuedFile](db)},
		Absence:       absence,
		Old:           &OldQuery{db: db, bridgeID: bridgeID},
		ComingFile:    &ComingFileQuery{holders: holders{table: "file_coming", lease: lease}, bridgeID: bridgeID, queue: queue, QueryHelper: dbutil.MakeQueryHelperReflect[*ComingFile](db)},
	}
}

// Upgrade brings the tables to the version that this program knows. The tables
// of the framework must be there already.
func (d *Database) Upgrade(ctx context.Context) error { return d.db.Upgrade(ctx) }

// Newest returns the table in which the version of the own tables is kept, and the newest version
// that this program knows.
func Newest() (table string, version int) { return versionTable, len(upgradeTable()) }

func upgradeTable() dbutil.UpgradeTable {
	return dbutil.BuildUpgradeTable().WithFSPath(upgrades, "upgrades").Finish()
}

package database

// OfOneAccount are statements that ask for what is one account's, also one of the framework's. Their parameters are the bridge,
// and the login or the user.
func OfOneAccount() []string {
	return []string{ghostsUnnamed, ghostsInRooms, groupSpaceRooms, `SELECT id FROM user_login WHERE bridge_id=$1 AND user_mxid=$2`,
		`SELECT id FROM portal WHERE bridge_id=$1 AND room_type='dm' AND other_user_id=$2`}
}

// TakenOut are statements for PostgreSQL that take 64 rows out of a queue, with how many parameters each has.
func TakenOut() map[string]int {
	return map[string]int{queueNoteAndRemove[0]: 1 + 64*11, eventsRemoveHashed[0]: 1 + 64*3}
}

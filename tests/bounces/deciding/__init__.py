"""What follows from what came back: blame, holds, alarms, wishes to leave."""

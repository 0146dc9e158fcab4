package index

import "github.com/initkoa/orgo/records"

// Back is a step of one cohort that needs an authorization.
type Back struct {
	Cohort   string
	From, To records.Digest // Pack.Digest
	Release  string
}

// StepsBack returns the steps from one index to the next that need an authorization,
// by cohort. The next one need not have any yet.
func StepsBack(previous, next Index) ([]Back, error) {
	var back []Back
	for _, was := range previous.Cohorts {
		step, err := next.move(was)
		if err != nil {
			return nil, err
		}
		if step.back {
			back = append(back, Back{step.cohort, step.from, step.to, step.release})
		}
	}
	return back, nil
}

module greenroom-bench-go

go 1.19

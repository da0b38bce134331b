using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class ScheduleTests
{
    // 100 steps to a peak of 0.8; where there is a warm-up it takes 10 of them, and the fall the other 90.
    [Theory]
    [InlineData(ScheduleShape.Cosine, 10, 0, 0.08)]
    [InlineData(ScheduleShape.Cosine, 10, 4, 0.4)]
    [InlineData(ScheduleShape.Cosine, 10, 9, 0.8)]
    [InlineData(ScheduleShape.Cosine, 10, 10, 0.8)]
    [InlineData(ScheduleShape.Cosine, 10, 40, 0.6)]
    [InlineData(ScheduleShape.Cosine, 10, 55, 0.4)]
    [InlineData(ScheduleShape.Cosine, 10, 70, 0.2)]
    [InlineData(ScheduleShape.Cosine, 10, 99, 0.000243669192)]
    [InlineData(ScheduleShape.Cosine, 10, 100, 0)]
    [InlineData(ScheduleShape.Cosine, 0, 0, 0.8)]
    [InlineData(ScheduleShape.Cosine, 0, 50, 0.4)]
    [InlineData(ScheduleShape.Linear, 10, 0, 0.08)]
    [InlineData(ScheduleShape.Linear, 10, 9, 0.8)]
    [InlineData(ScheduleShape.Linear, 10, 10, 0.8)]
    [InlineData(ScheduleShape.Linear, 10, 55, 0.4)]
    [InlineData(ScheduleShape.Linear, 10, 91, 0.08)]
    [InlineData(ScheduleShape.Linear, 0, 99, 0.008)]
    [InlineData(ScheduleShape.Linear, 0, 100, 0)]
    [InlineData(ScheduleShape.Staircase, 10, 0, 0.08)]
    [InlineData(ScheduleShape.Staircase, 10, 49, 0.8)]
    [InlineData(ScheduleShape.Staircase, 10, 50, 0.08)]
    [InlineData(ScheduleShape.Staircase, 10, 79, 0.08)]
    [InlineData(ScheduleShape.Staircase, 10, 80, 0.008)]
    [InlineData(ScheduleShape.Staircase, 10, 99, 0.008)]
    [InlineData(ScheduleShape.Constant, 10, 4, 0.4)]
    [InlineData(ScheduleShape.Constant, 10, 99, 0.8)]
    public void Rate_meets_the_value_computed_by_hand(ScheduleShape shape, long warmup, long step, double expected) =>
        Tolerance.Near(expected, new Schedule(shape, 0.8, warmup, 100).Rate(step), Tolerance.Schedule, 0.8, "rate");

    [Theory]
    [InlineData(ScheduleShape.Cosine)]
    [InlineData(ScheduleShape.Linear)]
    [InlineData(ScheduleShape.Staircase)]
    [InlineData(ScheduleShape.Constant)]
    public void Rate_rises_in_the_warmup_and_never_after(ScheduleShape shape)
    {
        Schedule schedule = new(shape, 3, 20, 70);
        double[] rates = [.. Enumerable.Range(0, 70).Select(step => schedule.Rate(step))];

        for (int step = 1; step < 70; step++)
        {
            Assert.True(step < 20 ? rates[step] > rates[step - 1] : rates[step] <= rates[step - 1], $"step {step}");
        }

        Assert.Equal(3, rates.Max());
        Assert.True(rates.Min() > 0);
    }

    [Theory]
    [InlineData(ScheduleShape.Cosine)]
    [InlineData(ScheduleShape.Linear)]
    public void Run_that_is_all_warmup_ends_at_the_peak(ScheduleShape shape)
    {
        Schedule schedule = new(shape, 2, 5, 5);

        Assert.Equal(2, schedule.Rate(4));
        Assert.Equal(2, schedule.Rate(5));
    }
}

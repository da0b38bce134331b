using Onward.Laboratory;

namespace Onward.Tests.Laboratory;

/// <summary>Compares the general formula with each entry of the paper's Table 1.</summary>
public sealed class VarianceTheoryTests
{
    private const double V = 2, S = 0.5;
    private const int N = 5;

    [Theory]
    [InlineData(12)]
    [InlineData(3)]
    public void Normal_noise_and_one_pass_give_the_table(int numbers)
    {
        VarianceTheory theory = new(V, S);

        Assert.Equal(
            ((numbers + 2) * V / N) + ((numbers + 1) * S), theory.Estimate(numbers, shared: true, N, passes: 1, fourthMoment: 3), 1e-12);
        Assert.Equal(
            ((numbers + 2) * V / N) + ((numbers + 1) * S / N),
            theory.Estimate(numbers, shared: false, N, passes: 1, fourthMoment: 3),
            1e-12);
        Assert.Equal(V / N, theory.Exact(N), 1e-12);
    }

    [Fact]
    public void A_single_number_and_signs_leave_the_variance_of_the_data() =>
        Assert.Equal(V / N, new VarianceTheory(V, S).Estimate(1, shared: true, N, passes: 1, fourthMoment: 1), 1e-12);

    [Fact]
    public void Passes_divide_all_but_the_variance_of_the_data()
    {
        VarianceTheory theory = new(V, S);
        double once = theory.Estimate(8, shared: false, N, passes: 1, fourthMoment: 3);
        double often = theory.Estimate(8, shared: false, N, passes: 4, fourthMoment: 3);

        Assert.Equal((once - theory.Exact(N)) / 4, often - theory.Exact(N), 1e-12);
    }
}

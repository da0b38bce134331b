namespace Onward.Tests.Oracle;

/// <summary>The oracle's own derivatives, against differences of its values.</summary>
public sealed class DualTests
{
    private static readonly Dictionary<string, Func<Dual, Dual>> Functions = new()
    {
        ["sum and difference"] = x => x + 2 - (x * 3),
        ["product"] = x => x * x * x,
        ["quotient"] = x => (x + 1) / (x * x),
        ["exp"] = Dual.Exp,
        ["log"] = Dual.Log,
        ["square root"] = Dual.Sqrt,
        ["active relu"] = Dual.Relu,
        ["silent relu"] = x => Dual.Relu(x - 2),
    };

    public static TheoryData<string> Names => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Tangent_is_the_derivative_of_the_value(string name)
    {
        const double Step = 1e-5;
        Func<Dual, Dual> function = Functions[name];

        double difference = (function(0.7 + Step).Value - function(0.7 - Step).Value) / (2 * Step);

        Assert.Equal(difference, function(new Dual(0.7, 1)).Tangent, Tolerance.Difference);
    }

    [Fact]
    public void Relu_has_derivative_0_at_0() => Assert.Equal(new Dual(0, 0), Dual.Relu(new Dual(0, 1)));

    [Fact]
    public void Stop_gradient_keeps_the_value_and_clears_the_tangent() => Assert.Equal(new Dual(3, 0), Dual.StopGradient(new Dual(3, 1)));
}

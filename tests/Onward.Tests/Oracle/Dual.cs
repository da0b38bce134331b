namespace Onward.Tests.Oracle;

/// <summary>A number and its derivative along one direction.</summary>
/// <param name="Value">The number.</param>
/// <param name="Tangent">Its derivative along the direction.</param>
public readonly record struct Dual(double Value, double Tangent)
{
    public static implicit operator Dual(double constant) => new(constant, 0);

    public static Dual operator +(Dual a, Dual b) => new(a.Value + b.Value, a.Tangent + b.Tangent);

    public static Dual operator -(Dual a, Dual b) => new(a.Value - b.Value, a.Tangent - b.Tangent);

    public static Dual operator *(Dual a, Dual b) => new(a.Value * b.Value, (a.Tangent * b.Value) + (a.Value * b.Tangent));

    public static Dual operator /(Dual a, Dual b) =>
        new(a.Value / b.Value, ((a.Tangent * b.Value) - (a.Value * b.Tangent)) / (b.Value * b.Value));

    /// <summary>A number with the value of x and derivative 0.</summary>
    public static Dual StopGradient(Dual x) => new(x.Value, 0);

    /// <summary>max(0, x), with derivative 0 at 0.</summary>
    public static Dual Relu(Dual x) => x.Value > 0 ? x : 0;

    public static Dual Exp(Dual x) => new(Math.Exp(x.Value), Math.Exp(x.Value) * x.Tangent);

    public static Dual Log(Dual x) => new(Math.Log(x.Value), x.Tangent / x.Value);

    public static Dual Sqrt(Dual x) => new(Math.Sqrt(x.Value), x.Tangent / (2 * Math.Sqrt(x.Value)));

    public static Dual Sum(IEnumerable<Dual> terms) => terms.Aggregate(new Dual(0, 0), (sum, term) => sum + term);
}
